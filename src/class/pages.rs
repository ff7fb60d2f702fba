//! What is made of the results: a table for a spreadsheet (CSV, RFC 4180), JUnit's XML, a page for the class, and a text for
//! each student.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::results::{Line, Standing};
use crate::course::feedback::{Suite, document, escape};
use crate::error::named;
use crate::grade::Verdict;
use crate::misconception::Misconception;
use crate::text;
use crate::text::{Language, Text};

/// Writes all of them to a directory.
///
/// # Errors
/// When a file can't be written; the error names it.
pub(super) fn write_all(to: &Path, lines: &[&Line], language: Language) -> io::Result<()> {
    write(to, "results.csv", csv(lines).as_bytes())?;
    write(to, "junit.xml", junit(lines).as_bytes())?;
    write(to, "index.html", html(lines, language).as_bytes())?;
    let directory = to.join("students");
    fs::create_dir_all(&directory).map_err(|error| named(directory.display(), &error))?;
    for (student, lines) in by_student(lines) {
        write(&directory, &format!("{student}.txt"), feedback(&lines, language).as_bytes())?;
    }
    Ok(())
}

/// Writes a file whole or not at all.
pub(super) fn write(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = directory.join(name);
    let written = || {
        // Without those that the umask takes away.
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(directory)?;
        file.write_all(bytes)?;
        file.persist(&path).map(drop).map_err(|error| error.error)
    };
    written().map_err(|error| named(path.display(), &error))
}

/// How somebody stands, in words.
pub(super) fn standing_in_words(standing: Standing) -> Text {
    match standing {
        Standing::Missing => text!("not handed in", "未提交"),
        Standing::Refused => text!("refused", "拒绝批改"),
        Standing::DoesNotCompile => text!("does not compile", "无法编译"),
        Standing::Unsolved => text!("not solved", "未完成"),
        Standing::Solved => text!("solved", "已完成"),
        Standing::Complete => text!("complete", "全部完成"),
        Standing::Problem => text!("could not be graded", "无法批改"),
    }
}

fn by_student<'a>(lines: &[&'a Line]) -> BTreeMap<&'a str, Vec<&'a Line>> {
    let mut students: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        students.entry(&line.student).or_default().push(line);
    }
    students
}

/// A value of JSON's as it is written there.
fn name(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn csv(lines: &[&Line]) -> String {
    let mut csv = String::from("student,lesson,standing,points,of,passed,failed,skipped,seconds,text,reason\r\n");
    for line in lines {
        let passed = line.checks.iter().filter(|check| check.verdict == Verdict::Passed).count();
        let failed = line.checks.len().saturating_sub(passed + line.skipped);
        let fields = [
            line.student.clone(),
            line.lesson.to_string(),
            name(line.standing),
            line.points.to_string(),
            line.of.to_string(),
            passed.to_string(),
            failed.to_string(),
            line.skipped.to_string(),
            format!("{:.1}", line.seconds),
            line.text.clone().unwrap_or_default(),
            line.reason.clone().unwrap_or_default(),
        ];
        csv += &fields.map(|field| field_of_csv(&field)).join(",");
        csv += "\r\n";
    }
    csv
}

/// A field in quotation marks where it needs them. One that a spreadsheet would take for a formula gets an apostrophe in front.
fn field_of_csv(field: &str) -> String {
    const BEGIN_FORMULAS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let field = if field.starts_with(BEGIN_FORMULAS) { format!("'{field}") } else { field.to_owned() };
    // Where a comma stands in a number, spreadsheets expect the other two between fields.
    if field.contains(['"', ',', ';', '\t', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

fn junit(lines: &[&Line]) -> String {
    document(by_student(lines).into_iter().map(|(student, lines)| {
        let mut suite = Suite::new(student);
        for line in lines {
            let exercise = format!("exercise_{}", line.lesson);
            if line.checks.is_empty() {
                let why = line.compiler_errors.as_deref().or(line.reason.as_deref()).unwrap_or_default();
                suite.error(&exercise, "is_graded", &name(line.standing), why, line.seconds);
            }
            for check in &line.checks {
                suite.check(&exercise, check);
            }
        }
        suite
    }))
}

/// What a student is told.
fn feedback(lines: &[&Line], language: Language) -> String {
    let mut text = String::new();
    for line in lines {
        let (n, points, of, standing) = (line.lesson, line.points, line.of, standing_in_words(line.standing));
        let Text { en, zh } = standing;
        let heading = text!("Exercise {n}: {en}, {points} of {of} points", "练习 {n}：{zh}，{points}/{of} 分");
        let _ = writeln!(text, "{}\n", heading.in_language(language));
        for why in [&line.reason, &line.compiler_errors].into_iter().flatten() {
            let _ = writeln!(text, "{why}\n");
        }
        let is_to_do =
            |function: &str| line.checks.iter().all(|one| one.function != function || one.verdict == Verdict::Todo);
        let mut to_do = "";
        for check in &line.checks {
            // All checks of such a function have the same to say.
            if is_to_do(&check.function) {
                if to_do != check.function {
                    let function = &check.function;
                    let line = text!("{function}: still to do", "{function}：还没有写");
                    let _ = writeln!(text, "{}\n", line.in_language(language));
                }
                to_do = &check.function;
                continue;
            }
            let (function, of_it) = (&check.function, check.name.replace('_', " "));
            let mark = if check.verdict == Verdict::Passed { "ok" } else { &name(check.verdict) };
            let _ = writeln!(text, "{function}: {of_it}: {mark}");
            if let Some(message) = &check.message {
                let _ = writeln!(text, "{message}");
            }
        }
        text.push('\n');
    }
    text
}

/// The page for the class. It has no script, and nothing of what was handed in but as text.
fn html(lines: &[&Line], language: Language) -> String {
    let in_words = |text: Text| escape(text.in_language(language));
    let lessons: BTreeSet<u8> = lines.iter().map(|line| line.lesson).collect();
    let students = by_student(lines);
    let title = in_words(text!("Grades", "成绩"));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n",
        language.tag()
    );
    page += "<div class=\"wide\"><table>\n<tr><th>";
    page += &in_words(text!("student", "学生"));
    for n in &lessons {
        let _ = write!(page, "<th>{}", in_words(text!("exercise {n}", "练习 {n}")));
    }
    let _ = writeln!(page, "<th>{}", in_words(text!("points", "分数")));
    for (student, lines) in &students {
        let (told, student) = (in_a_link(&format!("{student}.txt")), escape(student));
        let _ = write!(page, "<tr><th scope=\"row\"><a href=\"students/{told}\">{student}</a>");
        for n in &lessons {
            match lines.iter().find(|line| line.lesson == *n) {
                Some(line) => {
                    let (class, standing) = (name(line.standing), in_words(standing_in_words(line.standing)));
                    let _ = write!(page, "<td class=\"{class}\">{standing} <small>{}/{}</small>", line.points, line.of);
                }
                None => page += "<td>",
            }
        }
        let (points, of) =
            lines.iter().fold((0, 0), |(points, of), line| (points + u64::from(line.points), of + u64::from(line.of)));
        let _ = writeln!(page, "<td>{points}/{of}");
    }
    page += "</table></div>\n";
    page += &beliefs(lines, language);
    page += &hardest(lines, language);
    page += &not_graded(lines, language);
    page
}

/// A file's name as a part of a link (RFC 3986).
fn in_a_link(name: &str) -> String {
    let mut link = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            let _ = write!(link, "%{byte:02X}");
        }
    }
    link
}

/// The misconceptions that answers look like, the most common one first.
fn beliefs(lines: &[&Line], language: Language) -> String {
    let mut students: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in lines {
        for slug in line.checks.iter().filter_map(|check| check.misconception.as_deref()) {
            students.entry(slug).or_default().insert(&line.student);
        }
    }
    let rows = students.into_iter().filter_map(|(slug, students)| {
        let belief = Misconception::of_slug(slug)?;
        Some((
            students.len(),
            escape(belief.belief.in_language(language)),
            escape(belief.against.in_language(language)),
        ))
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|(students, ..)| Reverse(*students));
    let rows = rows.into_iter().map(|(n, belief, against)| format!("<tr><td>{n}<td>{belief}<td>{against}\n"));
    table(
        &text!("What is believed", "常见误解"),
        &[text!("students", "人数"), text!("belief", "误解"), text!("what is so", "事实")],
        rows.collect(),
        language,
    )
}

/// The checks that most answers fail.
fn hardest(lines: &[&Line], language: Language) -> String {
    let mut failed: BTreeMap<(u8, &str, &str), usize> = BTreeMap::new();
    for line in lines {
        let wrong = |verdict| !matches!(verdict, Verdict::Passed | Verdict::Skipped | Verdict::Todo);
        for check in line.checks.iter().filter(|check| wrong(check.verdict) && check.see_first.is_none()) {
            *failed.entry((line.lesson, &check.function, &check.name)).or_default() += 1;
        }
    }
    let mut rows: Vec<_> = failed.into_iter().collect();
    rows.sort_by_key(|(_, answers)| Reverse(*answers));
    let rows = rows.into_iter().take(20).map(|((lesson, function, check), n)| {
        let (function, check) = (escape(function), escape(&check.replace('_', " ")));
        format!("<tr><td>{n}<td>{lesson}<td><code>{function}</code><td>{check}\n")
    });
    table(
        &text!("What most get wrong", "错得最多的检查"),
        &[text!("answers", "答案数"), text!("exercise", "练习"), text!("function", "函数"), text!("check", "检查")],
        rows.collect(),
        language,
    )
}

/// The answers that were not graded or not run, with the reason.
fn not_graded(lines: &[&Line], language: Language) -> String {
    // Before anybody has begun an exercise, that it isn't handed in says nothing.
    let begun: BTreeSet<u8> =
        lines.iter().filter(|line| line.standing != Standing::Missing).map(|line| line.lesson).collect();
    let is_one =
        |line: &&&Line| begun.contains(&line.lesson) && (line.reason.is_some() || line.compiler_errors.is_some());
    let rows = lines.iter().filter(is_one).map(|line| {
        let first =
            line.compiler_errors.as_deref().and_then(|errors| errors.lines().find(|line| line.starts_with("error")));
        let why = escape(line.reason.as_deref().or(first).unwrap_or_default());
        format!("<tr><td>{}<td>{}<td>{why}\n", escape(&line.student), line.lesson)
    });
    table(
        &text!("What was not run", "没有运行的答案"),
        &[text!("student", "学生"), text!("exercise", "练习"), text!("why", "原因")],
        rows.collect(),
        language,
    )
}

/// A table with a heading; nothing where it has no rows.
fn table(title: &Text, columns: &[Text], rows: String, language: Language) -> String {
    if rows.is_empty() {
        return rows;
    }
    let heads = columns.iter().map(|column| format!("<th>{}", escape(column.in_language(language))));
    let (title, heads) = (escape(title.in_language(language)), heads.collect::<String>());
    format!("<h2>{title}</h2>\n<div class=\"wide\"><table>\n<tr>{heads}\n{rows}</table></div>\n")
}

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 1rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem; border-bottom: 1px solid #8888; }
.complete, .solved { background: #2a82; }
.refused, .problem { background: #c332; }
";
