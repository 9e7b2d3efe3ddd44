//! A policy in sentences a person can check, in Bahasa Indonesia and English.

use super::compile::Compiled;
use super::operation::Operation;
use crate::domain::Leaf;

/// A language officers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Bahasa Indonesia; terms still need a native review.
    Id,
    /// English.
    En,
}

/// Sentences: who receives, one for each leaf that leaves, how many leaves that is.
pub fn explain(policy: &Compiled, language: Language) -> Vec<String> {
    let (from, to) = (policy.sender(), policy.recipient());
    let (message, purpose) = (policy.message(), policy.purpose());
    let mut sentences = vec![match language {
        Language::Id => format!(
            "{to} menerima {message} dari {from}, untuk tujuan {purpose}, berdasarkan {}, \
             sampai {}.",
            policy.agreement(),
            policy.expires()
        ),
        Language::En => format!(
            "{to} receives {message} from {from}, for {purpose}, under {}, until {}.",
            policy.agreement(),
            policy.expires()
        ),
    }];
    let mut count = 0usize;
    for leaf in &policy.table().leaves {
        let operation = policy.operations().get(leaf.name.as_str()).unwrap_or(&Operation::Drop);
        if let Some(how) = how(operation, language) {
            count += 1;
            sentences.push(format!(
                "{to} {} {} ({}): {how}.",
                receives(language),
                label(leaf, language),
                leaf.name
            ));
        }
    }
    sentences.push(match language {
        Language::Id => {
            format!("{count} dari {} kolom diteruskan.", policy.table().leaves.len())
        }
        Language::En => format!("{count} of {} fields leave.", policy.table().leaves.len()),
    });
    sentences
}

fn receives(language: Language) -> &'static str {
    match language {
        Language::Id => "menerima",
        Language::En => "receives",
    }
}

fn label(leaf: &Leaf, language: Language) -> &str {
    match language {
        Language::Id => &leaf.label.id,
        Language::En => &leaf.label.en,
    }
}

fn how(operation: &Operation, language: Language) -> Option<String> {
    let words = match operation {
        Operation::Drop => return None,
        Operation::Keep => ["apa adanya", "as it is"],
        Operation::Constant(value) => {
            return Some(match language {
                Language::Id => format!("selalu `{value}`"),
                Language::En => format!("always `{value}`"),
            });
        }
        Operation::CodeMap(_) => ["diganti menurut tabel tertutup", "replaced by a closed table"],
        Operation::Year => ["tahunnya saja", "its year only"],
        Operation::HalfYear => ["tengah tahunnya saja", "its half-year only"],
        Operation::Month => ["bulannya saja", "its month only"],
        Operation::AgeBand(_) => ["kelompok usia saja", "an age band only"],
        Operation::Country => ["negaranya saja", "its country only"],
        Operation::Adm1 => ["provinsinya saja", "its province only"],
        Operation::Bucket(_) => ["kelompok angka saja", "a range only"],
        Operation::Count(_) => ["jumlahnya saja", "how many only"],
        Operation::Pseudonym => ["kode samaran khusus penerima", "a pseudonym of its own"],
        Operation::Hold => {
            ["setelah diperiksa petugas penerima", "once an officer of the recipient has looked"]
        }
    };
    let [id, en] = words;
    Some(if language == Language::Id { id } else { en }.to_owned())
}
