//! A changed text, line by line: what goes, what comes, and the lines around it.

use similar::{ChangeTag, TextDiff};

/// Lines that stay, shown around one that changes.
const AROUND: usize = 2;

/// What changes from `before` to `after`, each line marked; nothing if nothing does.
pub fn changed_lines(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(AROUND) {
        if !lines.is_empty() {
            lines.push("  …".to_owned());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mark = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            lines.push(format!("{mark} {}", change.value().trim_end_matches('\n')));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_what_stands_around_it() {
        let before = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";
        let after = "one\ntwo\nthree\n4\nfive\nsix\nseven\neight\nnine";
        let shown = changed_lines(before, after);
        let expected = [
            "  two", "  three", "- four", "+ 4", "  five", "  six", "  seven", "  eight", "+ nine",
        ];
        assert_eq!(shown, expected);
        assert!(changed_lines(before, before).is_empty());
        let far = format!("0\n{}", before.replace("eight", "8"));
        assert!(changed_lines(before, &far).contains(&"  …".to_owned()));
    }
}
