//! All facts as a table in Markdown: a line for each scenario, a column for each file system.

use mmap_workbook::text::{Language, Text};

use crate::Kind;
use crate::facts::{FACTS, Fact, KERNEL, Known};

/// The files that the book's page shows, from the root of the checkout.
pub fn file(language: Language) -> String {
    format!("book/file_systems.{}.md", language.code())
}

/// The table, with these outcomes; None where a file system isn't at hand, which leaves out its column. File systems
/// with the same outcomes share one.
///
/// # Errors
/// Those of `outcome`.
pub fn table<'a, E>(
    language: Language,
    mut outcome: impl FnMut(&'static Fact, Kind) -> Result<Option<&'a Known>, E>,
) -> Result<String, E> {
    let mut columns: Vec<(Vec<Kind>, Vec<&Known>)> = Vec::new();
    for kind in Kind::ALL {
        let outcomes = FACTS.iter().map(|fact| outcome(fact, kind)).collect::<Result<Option<Vec<_>>, E>>()?;
        let Some(outcomes) = outcomes else { continue };
        let names = |outcomes: &[&Known]| outcomes.iter().map(|known| known.name).collect::<Vec<_>>();
        match columns.iter_mut().find(|(_, other)| names(other) == names(&outcomes)) {
            Some((kinds, _)) => kinds.push(kind),
            None => columns.push((vec![kind], outcomes)),
        }
    }
    let (scenario, comma) = match language {
        Language::English => ("what is done", ", "),
        Language::Chinese => ("操作", "、"),
    };
    let heads = columns.iter().map(|(kinds, _)| {
        let names: Vec<_> = kinds.iter().map(|kind| title(*kind).in_language(language)).collect();
        names.join(comma)
    });
    let mut out = format!("| {scenario} | {} |\n", heads.collect::<Vec<_>>().join(" | "));
    out += &format!("|---|{}\n", "---|".repeat(columns.len()));
    for (n, fact) in FACTS.iter().enumerate() {
        let words: Vec<_> = columns.iter().map(|(_, outcomes)| outcomes[n].words.in_language(language)).collect();
        out += &format!("| {} | {} |\n", fact.scenario.in_language(language), words.join(" | "));
    }
    Ok(out)
}

/// The table of what was seen on Linux [`KERNEL`].
pub fn seen(language: Language) -> String {
    let Ok(table) = table(language, |fact, kind| Ok::<_, std::convert::Infallible>(fact.seen_on(kind)));
    let seen = match language {
        Language::English => format!("Seen on Linux {KERNEL}."),
        Language::Chinese => format!("在 Linux {KERNEL} 上观察到的结果。"),
    };
    format!("{table}\n{seen}\n")
}

/// What a file system is called in the table.
fn title(kind: Kind) -> &'static Text {
    static TITLES: [Text; 9] = [
        Text::fixed("ext4", "ext4"),
        Text::fixed("ext4 (1 KiB)", "ext4（1 KiB）"),
        Text::fixed("xfs", "xfs"),
        Text::fixed("btrfs", "btrfs"),
        Text::fixed("tmpfs", "tmpfs"),
        Text::fixed("overlayfs on ext4", "ext4 上的 overlayfs"),
        Text::fixed("overlayfs on tmpfs", "tmpfs 上的 overlayfs"),
        Text::fixed("FUSE", "FUSE"),
        Text::fixed("FUSE, direct I/O", "FUSE，直接 I/O"),
    ];
    &TITLES[kind as usize]
}
