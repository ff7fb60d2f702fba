//! All facts as a table in Markdown: a line for each scenario, with its outcomes and where each was seen.

use std::collections::BTreeMap;

use mmap_workbook::text::{Language, Text};

use crate::Kind;
use crate::facts::{FACTS, Fact, KERNEL, Known, NO_MAPPING};

/// The files that the book's page shows, from the root of the checkout.
pub fn file(language: Language) -> String {
    format!("book/file_systems.{}.md", language.code())
}

/// The table, with these outcomes, for which the file systems are asked one after the other; None where one isn't at
/// hand.
///
/// # Errors
/// Those of `outcome`.
pub fn table<E>(
    language: Language,
    mut outcome: impl FnMut(&'static Fact, Kind) -> Result<Option<&'static Known>, E>,
) -> Result<String, E> {
    let mut seen: Vec<BTreeMap<Kind, &Known>> = vec![BTreeMap::new(); FACTS.len()];
    for kind in Kind::ALL {
        for (fact, seen) in FACTS.iter().zip(&mut seen) {
            if let Some(known) = outcome(fact, kind)? {
                seen.insert(kind, known);
            }
        }
    }
    let (head, colon) = match language {
        Language::English => ("| what is done | what it gives |\n|---|---|\n", ": "),
        Language::Chinese => ("| 操作 | 结果 |\n|---|---|\n", "："),
    };
    let mut out = head.to_owned();
    for (fact, seen) in FACTS.iter().zip(&seen) {
        let outcomes = fact.outcomes.iter().filter(|known| known.name != NO_MAPPING.name);
        let outcomes = outcomes.filter_map(|known| {
            let places = places(known, seen, language)?;
            Some(format!("**{}**{colon}{places}", known.words.in_language(language)))
        });
        let outcomes: Vec<_> = outcomes.collect();
        out += &format!("| {} | {} |\n", fact.scenario.in_language(language), outcomes.join("<br>"));
    }
    Ok(out)
}

/// Where an outcome was seen; None if nowhere. A file system that does as the one that it is based on isn't named.
fn places(known: &Known, seen: &BTreeMap<Kind, &Known>, language: Language) -> Option<String> {
    static EVERYWHERE: Text = Text::fixed("everywhere", "都是如此");
    static OVERLAYFS: Text = Text::fixed("overlayfs", "overlayfs");
    let gives = |kind: Kind| seen.get(&kind).map(|known| known.name);
    let has_outcome = |kind: &&Kind| gives(**kind) != Some(NO_MAPPING.name);
    if seen.keys().filter(has_outcome).all(|kind| gives(*kind) == Some(known.name)) {
        return seen.keys().any(|kind| has_outcome(&kind)).then(|| EVERYWHERE.in_language(language).to_owned());
    }
    let there = seen.keys().copied().filter(|kind| gives(*kind) == Some(known.name));
    let mut named: Vec<Kind> = there.filter(|kind| based_on(*kind).and_then(gives) != gives(*kind)).collect();
    let mut titles: Vec<&Text> = Vec::new();
    if named.contains(&Kind::OverlayExt4) && named.contains(&Kind::OverlayTmpfs) {
        named.retain(|kind| !matches!(kind, Kind::OverlayExt4 | Kind::OverlayTmpfs));
        titles.push(&OVERLAYFS);
    }
    titles.splice(0..0, named.into_iter().map(title));
    let titles: Vec<_> = titles.into_iter().map(|title| title.in_language(language)).collect();
    let comma = match language {
        Language::English => ", ",
        Language::Chinese => "、",
    };
    (!titles.is_empty()).then(|| titles.join(comma))
}

fn based_on(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Ext4Small | Kind::OverlayExt4 => Some(Kind::Ext4),
        Kind::OverlayTmpfs => Some(Kind::Tmpfs),
        Kind::Ext4 | Kind::Xfs | Kind::Btrfs | Kind::Tmpfs | Kind::Fuse | Kind::FuseDirect => None,
    }
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
        Text::fixed("ext4 with blocks of 1 KiB", "块大小为 1 KiB 的 ext4"),
        Text::fixed("xfs", "xfs"),
        Text::fixed("btrfs", "btrfs"),
        Text::fixed("tmpfs", "tmpfs"),
        Text::fixed("overlayfs on ext4", "ext4 上的 overlayfs"),
        Text::fixed("overlayfs on tmpfs", "tmpfs 上的 overlayfs"),
        Text::fixed("FUSE", "FUSE"),
        Text::fixed("FUSE with direct I/O", "直接 I/O 的 FUSE"),
    ];
    &TITLES[kind as usize]
}
