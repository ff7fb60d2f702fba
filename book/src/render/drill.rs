//! `{{#drill}}`: the place of the drill, with the words for its script `drill.js`. Without the script it says where else
//! questions are.

use mmap_workbook::text::Language;

use super::markup::escape;
use super::words;

/// The place of the drill.
pub fn drill(language: Language) -> String {
    let words = [
        ("load", &words::LOAD),
        ("fails", &words::LOAD_FAILS),
        ("choose", &words::CHOOSE_LESSON),
        ("all", &words::ALL_LESSONS),
        ("lesson", &words::LESSON_TITLE),
        ("question", &words::DRILL_QUESTION),
        ("again", &words::AGAIN),
        ("in-words", &words::IN_WORDS),
        ("ask", &words::WHAT_GIVES),
        ("right", &words::RIGHT_GIVES),
        ("wrong", &words::WRONG_GIVES),
        ("fits", &words::FITS),
        ("believed", &words::BELIEVED),
        ("fact", &words::FACT),
        ("read", &words::READ),
        ("play", &words::PLAY_IT),
        ("run", &words::RUN),
        ("save", &words::AS_A_SCENARIO),
        ("next", &words::NEXT),
        ("done", &words::ALL_DONE),
        ("score", &words::DRILL_SCORE),
        ("kept", &words::KEPT),
        ("lost", &words::LOST),
        ("yours", &words::YOURS),
        ("forget", &words::FORGET),
        ("undo", &words::UNDO),
    ];
    let words = words.map(|(name, text)| format!(" data-{name}=\"{}\"", escape(text.in_language(language))));
    let (words, space) = (words.concat(), language.space());
    let without = words::NO_SCRIPT.in_language(language);
    format!(
        "<div class=\"drill\" data-space=\"{space}\"{words}>\n<p class=\"by\">{without}</p>\n</div>\n\
         <script src=\"drill.js\" defer></script>\n"
    )
}
