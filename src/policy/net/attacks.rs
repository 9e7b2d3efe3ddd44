//! What was tried to carry a name and a number past the net in one string, and what still passes.
#![cfg(test)]

use super::*;
use crate::domain::LeafName;

fn rules(text: &str) -> Vec<&'static str> {
    let name = LeafName::new("/subject/name/full");
    let number = LeafName::new("/subject/ids/*/no");
    let values = [(&name, "Siti Zarqolin"), (&number, "3171014503110000")];
    scan_all(text, &Echo::new(values, ["2011-03-05"]))
}

/// Ways to write "Siti Zarqolin" that are caught.
const NAMES: &[&str] = &[
    "Siti Zarqolin",
    "ZARQOLIN, SITI",
    "SitiZarqolin",
    "ZarqolinSiti",
    "siti_zarqolin",
    "siti.zarqolin",
    "S i t i  Z a r q o l i n",
    "S-i-t-i Z-a-r-q-o-l-i-n",
    "Si ti Zar qo lin",
    "Sіtі Zаrqоlіn",
    "ՏІТІ ΖΑRQΟLΙΝ",
    "Ꮪɪᴛɪ ᴢᴀʀϙᴏʟɪɴ Ꮓꭺꭱԛꮎꮮꮖꮑ Zaɾqσlιn",
    "ꜱɪᴛɪ ᴢᴀʀqᴏʟɪɴ",
    "Ѕити Зарголин Сити",
    "𝕾𝖎𝖙𝖎 𝖅𝖆𝖗𝖖𝖔𝖑𝖎𝖓",
    "Ｓｉｔｉ　Ｚａｒｑｏｌｉｎ",
    "Ⓢⓘⓣⓘ Ⓩⓐⓡⓠⓞⓛⓘⓝ",
    "🅢🅘🅣🅘",
    "🆉🅰🆁🆀🅾🅻🅸🅽",
    "🇿🇦🇷🇶🇴🇱🇮🇳",
    "Z\u{336}a\u{336}r\u{336}q\u{336}o\u{336}l\u{336}i\u{336}n\u{336}",
    "Zar\u{200b}qo\u{2060}lin",
    "Zar\u{ad}qolin",
    "\u{202e}Zarqolin\u{202c}",
    "Zar\u{fe0f}qolin\u{e0100}",
    "Z\u{34f}arqolin",
    "Żärqöłìñ",
    "Zarq0l1n",
    "24rq0l1n",
    "Z@rqol!n",
    "$iti",
    "S|t|",
    "Zarqolin's",
    "zarqolinnya",
    "binti-Zarqolin2011",
    "%5A%61%72%71%6F%6C%69%6E",
    "%255Aarqolin",
    "&#90;arqolin",
    "&#x5a;&#x61;rqolin",
    "Z&zwnj;arqolin",
    r"\u005aarqolin",
    r"\\u005aarqolin",
    r"\x5a\x61rqolin",
    "=5Aarqolin",
    "U2l0aSBaYXJxb2xpbg==",
    "U2l0aS BaYXJx b2xpbg",
    "VTJsMGFTQmFZWEp4YjJ4cGJnPT0=",
    "data:U2l0aSBaYXJxb2xpbg",
    "5a6172716f6c696e",
    "5a 61 72 71 6f 6c 69 6e",
    "LJQXE4LPNRUW4===",
    "<b>Zar</b>qolin",
    "\u{202e}niloqraZ\u{202c}",
    "Zarqolin\u{e0041}\u{e0042}",
    "\u{e0053}\u{e0069}\u{e0074}\u{e0069}",
    "Za.r.qo.li.n",
    "#zarqolin",
    "zarqolin@example.org",
    "{\"nama\":\"Zarqolin\"}",
    "Zar\nqolin",
    "Zar—qolin",
    "(Z)arqolin",
    "Zarqo1in",
    "ZarqoIin",
];

/// Ways to write 3171014503110000 that are caught.
const NUMBERS: &[&str] = &[
    "3171014503110000",
    "3171 0145 0311 0000",
    "3171-0145-0311-0000",
    "3_1_7_1_0_1_4_5_0_3_1_1_0_0_0_0",
    "31:71:01:45:03:11:00:00",
    "3171|0145|0311|0000",
    "3171\u{2063}0145\u{2063}0311\u{2063}0000",
    "3171,0145,0311,0000",
    "3171•0145•0311•0000",
    "３１７１０１４５０３１１００００",
    "٣١٧١٠١٤٥٠٣١١٠٠٠٠",
    "३१७१०१४५०३११००००",
    "𝟛𝟙𝟟𝟙𝟘𝟙𝟜𝟝𝟘𝟛𝟙𝟙𝟘𝟘𝟘𝟘",
    "③①⑦①⓪①④⑤⓪③①①⓪⓪⓪⓪",
    "❸❶❼❶⓿❶❹❺⓿❸❶❶⓿⓿⓿⓿",
    "³¹⁷¹⁰¹⁴⁵⁰³¹¹⁰⁰⁰⁰",
    "3\u{20e3}1\u{20e3}7\u{20e3}1\u{20e3}0\u{20e3}1\u{20e3}4\u{20e3}5\u{20e3}0\u{20e3}",
    "三一七一〇一四五〇三一一〇〇〇〇",
    "NIK3171014503110000",
    "x3171014503110000y",
    "MzE3MTAxNDUwMzExMDAwMA==",
    "%33%31%37%31%30%31%34%35%30%33%31%31%30%30%30%30",
    "33313731303134353033313130303030",
    "&#51;&#49;&#55;&#49;&#48;&#49;&#52;&#53;&#48;&#51;",
    "tiga satu tujuh satu nol satu empat lima nol tiga satu satu nol nol nol nol",
    "tiga_satu_tujuh_satu_nol_satu_empat_lima_nol",
    "three one seven one zero one four five zero three one one",
    "3I7IOI45O3IIOOOO",
    "3l7l0l4503ll0000",
    "3,171,014,503,110,000",
    "3171 0145, 0311 0000",
    "3171, 0145, 0311, 0000",
    "3.171014503110000e15",
    "NIK 317101 450311 0000",
    "31 71 01 (45 03 11) 0000",
];

#[test]
fn names_are_caught() {
    let missed: Vec<_> = NAMES.iter().filter(|text| rules(text).is_empty()).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn numbers_are_caught() {
    let missed: Vec<_> = NUMBERS.iter().filter(|text| rules(text).is_empty()).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

/// What still passes, each for a reason the module's documentation gives. One that is caught one
/// day fails here and moves up.
const OPEN: &[&str] = &[
    "S.Z.",
    "Zarkolin",
    "Jarcolyn",
    "سيتي زارقولين",
    "nilozraq",
    "Mnedbyva",
    "Zar xxx qo xxx lin",
    "--.. .- .-. --.- --- .-.. .. -.",
    "VmxSS2MwMUhSbEphUmxKelltMW9WMUpXV2s5ak1rcEdWMnhvVjFJeVVUQlpWbWhP",
    "26, 1, 18, 17, 15, 12, 9, 14",
    "tiga puluh satu tujuh puluh satu nol satu",
    "3201, 9945, 0311, 0000",
    "MMMCLXXI CXLV CCCXI",
    "lahir 2011",
    "lahir lima Maret dua ribu sebelas",
    "B 1234 XYZ",
];

#[test]
fn what_is_listed_as_open_is_all_that_is_open() {
    let caught: Vec<_> = OPEN.iter().filter(|text| !rules(text).is_empty()).collect();
    assert!(caught.is_empty(), "{caught:#?}");
}
