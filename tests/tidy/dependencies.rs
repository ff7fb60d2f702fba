//! What others' code the workbook is built with, and what its workflows may do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Findings, files, read};

/// Lines without comments, each with the place to name.
fn lines(path: &Path) -> Vec<(String, String)> {
    let lines = (1..).zip(read(path).lines().map(str::to_owned).collect::<Vec<_>>());
    let code = lines.filter(|(_, line)| !line.trim_start().starts_with('#'));
    code.map(|(n, line)| (format!("{}:{n}", path.display()), line)).collect()
}

fn workflows() -> Vec<std::path::PathBuf> {
    let mut workflows = files(&[".github", ".ci/classroom"], &[".yml", ".yaml"]);
    workflows.retain(|path| !path.ends_with("gitlab.yml"));
    workflows
}

/// Whoever can move a tag could change what a workflow runs.
#[test]
fn each_action_is_named_by_the_hash_of_its_commit() {
    let mut wrong = Findings::default();
    for (place, line) in workflows().iter().flat_map(|path| lines(path)) {
        let Some((_, action)) = line.split_once("uses: ") else { continue };
        let pinned = action.split_once('@').and_then(|(_, version)| version.split_once(" # v")).is_some_and(
            |(hash, version)| {
                let is_hash = hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
                is_hash && version.starts_with(|first: char| first.is_ascii_digit())
            },
        );
        let repair = "`OWNER/NAME@HASH # vN.N.N`; CONTRIBUTING.md says what prints the hash";
        wrong.unless(pinned, place, format!("{action:?} is not a hash with its version"), repair);
    }
    wrong.report();
}

#[test]
fn a_workflow_may_do_little_and_not_for_long() {
    let mut wrong = Findings::default();
    for path in workflows() {
        let place = path.display();
        let text = read(&path);
        for word in ["pull_request_target", "secrets."] {
            let there = text.contains(word);
            wrong.unless(!there, &place, format!("{word}: code from a pull request may read secrets"), "do without it");
        }
        let number = |of: &str| text.lines().filter(|line| line.trim_start().starts_with(of)).count();
        let (jobs, checkouts) = (number("runs-on:"), text.matches("uses: actions/checkout@").count());
        let all = text.lines().any(|line| line == "permissions: {}");
        wrong.unless(all, &place, "a job may do whatever the repository's settings allow", "add `permissions: {}`");
        wrong.unless(
            number("permissions:") == jobs + 1,
            &place,
            "a job doesn't say what it may do",
            "add `permissions:`",
        );
        wrong.unless(number("timeout-minutes:") == jobs, &place, "a job has no limit", "add `timeout-minutes: 20`");
        let kept = number("persist-credentials: false") < checkouts;
        wrong.unless(!kept, &place, "a checkout keeps the token", "`with:` `persist-credentials: false`");
        for (place, line) in lines(&path).into_iter().filter(|(_, line)| line.contains(" cargo ")) {
            wrong.unless(line.contains(" --locked"), place, "it may choose other versions of crates", "add `--locked`");
        }
    }
    // A handout doesn't have it.
    let locks = cfg!(feature = "handout") || read(".ci/run").lines().any(|line| line == "cargo fetch --locked");
    wrong.unless(locks, ".ci/run", "it may choose other versions of crates", "begin with `cargo fetch --locked`");
    wrong.report();
}

/// `.ci/container` tries what the one installs, `.ci/classroom/try` what the other runs then.
#[test]
fn a_class_on_gitlab_has_what_the_container_file_has() {
    let mut wrong = Findings::default();
    let (container, class) = (".ci/Containerfile", ".ci/classroom/gitlab.yml");
    let joined = read(container).replace("\\\n", "");
    let image = joined.lines().find_map(|line| line.strip_prefix("FROM ")).unwrap_or_default();
    let commands = joined.lines().filter_map(|line| line.strip_prefix("RUN ")).flat_map(|line| line.split(" && "));
    // A container's lists are part of its image.
    let commands = commands.map(str::trim).filter(|command| !command.starts_with("rm -rf /var/lib/apt/lists"));
    let wanted: Vec<_> = commands.map(|command| format!("    - {command}\n")).collect();
    assert!(image.contains(':') && wanted.len() > 1, "an image and commands: {image} {wanted:?}");
    let wanted = [format!("  image: {image}\n"), format!("  before_script:\n{}  script:\n", wanted.concat())];
    for wanted in wanted {
        wrong.unless(read(class).contains(&wanted), class, format!("not as in {container}"), wanted);
    }
    wrong.report();
}

#[test]
fn each_crate_that_is_there_twice_has_its_reason() {
    let mut wrong = Findings::default();
    let mut numbers = BTreeMap::<String, usize>::new();
    for name in read("Cargo.lock").lines().filter_map(|line| line.strip_prefix("name = ")) {
        *numbers.entry(name.trim_matches('"').to_owned()).or_default() += 1;
    }
    let doubled: BTreeSet<_> = numbers.into_iter().filter(|(_, number)| *number > 1).map(|(name, _)| name).collect();
    let page = read("CONTRIBUTING.md");
    let table = page.split_once("| crate | why both stay |").map_or("", |(_, rest)| rest);
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    let named: BTreeSet<_> = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    for name in doubled.symmetric_difference(&named) {
        let (what, repair) = match named.contains(name) {
            true => ("is there once", "remove it from the table"),
            false => {
                ("is there more than once", "see `cargo tree --workspace --target all --duplicates`: why does it stay?")
            }
        };
        wrong.add("CONTRIBUTING.md, Dependencies", format!("{name} {what}"), repair);
    }
    wrong.report();
}
