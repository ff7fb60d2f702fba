//! `{{#assertions ...}}`: what POSIX or the man pages assert, as a table.

use mmap_workbook::text;
use mmap_workbook::text::{Language, Text};

use super::markup::{self, escape};
use super::words;
use crate::assertions::{Assertion, FILE, assertions, claimed, counts};
use crate::evidence::Test;
use crate::sources::Sources;

/// The table of this name, as HTML.
pub fn table(sources: &Sources, language: Language, name: &str) -> Result<String, String> {
    let mut rows = assertions(sources).map_err(|mistake| mistake.to_string())?;
    rows.retain(|assertion| assertion.is_in(name));
    if rows.is_empty() {
        return Err(format!("there is no table of assertions {name:?}: mmap, munmap or pages"));
    }
    let mut out = summary(language, &rows);
    out += "<div class=\"table-wrapper\">\n<table class=\"ledger\">\n<thead><tr>";
    for head in [&words::SOURCE, &words::ASSERTION] {
        out += &format!("<th>{}</th>", head.in_language(language));
    }
    out += "</tr></thead>\n<tbody>\n";
    for row in &rows {
        let shown = shown(sources, language, row).map_err(|what| format!("{FILE}: {}: {what}", row.of))?;
        let says = escape(row.says.in_language(language));
        out += &format!(
            "<tr><td>{}</td><td>{says}<div class=\"shown\">{shown}</div></td></tr>\n",
            row.of.replace(' ', "&nbsp;")
        );
    }
    out += "</tbody>\n</table>\n</div>\n";
    Ok(out)
}

fn summary(language: Language, rows: &[Assertion]) -> String {
    let all = rows.len();
    let [scenarios, tests, open] = counts(rows);
    let summary = text!(
        "{all} assertions: {scenarios} shown by a scenario, {tests} by tests, {open} not shown",
        "共 {all} 条：{scenarios} 条由脚本证明，{tests} 条由测试证明，{open} 条没有证明"
    );
    let mut out = summary.in_language(language).to_owned();
    let part = rows.iter().filter(|row| row.but.is_some()).count();
    if part > 0 {
        let text = text!("; {part} are shown only in part", "；已证明的当中有 {part} 条留下了一部分没有证明");
        out += text.in_language(language);
    }
    out + words::FULL_STOP.in_language(language) + "\n\n"
}

fn shown(sources: &Sources, language: Language, row: &Assertion) -> Result<String, String> {
    let said = |label: &Text, why: &Text| {
        format!("<em>{}{}</em>", label.in_language(language), escape(why.in_language(language)))
    };
    let mut out = match (&row.scenario, row.tests.as_slice(), &row.not_shown) {
        (Some(text), [], None) => {
            let scenario = claimed(text)?;
            // A scenario has no empty lines, which would end the HTML.
            let (text, link) = (scenario.to_string(), markup::play_link(language, &scenario.to_string()));
            format!("<pre><code>{}</code></pre><p>{link}</p>", escape(text.trim_end()))
        }
        (None, tests @ [_, ..], None) => {
            let shown = |test: &String| Ok(markup::test(&Test::named(sources, test)?, language));
            tests.iter().map(shown).collect::<Result<Vec<_>, String>>()?.join("<br>")
        }
        (None, [], Some(why)) if row.but.is_none() => return Ok(said(&words::NOT_SHOWN, why)),
        _ => {
            let what = "it must have exactly one of `scenario`, `tests` and `not_shown`; `but` goes with the first two";
            return Err(what.into());
        }
    };
    if let Some(but) = &row.but {
        out += &format!("<p>{}</p>", said(&words::LEFT_OUT, but));
    }
    Ok(out)
}
