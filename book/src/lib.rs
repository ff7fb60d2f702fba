//! The book of the mmap workbook: from pages in Markdown to a site in all languages.
//!
//! # Layout
//! Each module uses only modules below it, those in its last column. `tests/arrows.rs` checks the code against this
//! table.
//!
//! | module | what it is | uses |
//! |---|---|---|
//! | [`arguments`] | the arguments of the program | |
//! | [`serve`] | the site on this machine, built again when a source changes | site, sources |
//! | [`check`] | the rules that the sources and the site must keep | site, html, render, question, assertions, evidence, highlight, stamp, typesetting, page, sources |
//! | [`site`] | all languages as a site of static files, made with mdBook | drill, highlight, render, search, simulator, terms, html, sources |
//! | [`plot`] | what lesson 7 has measured, drawn | |
//! | [`drill`] | the questions of the drill | simulator, evidence, html, sources |
//! | [`simulator`] | the script and the style of the simulator, and what it knows of the book | evidence, page, sources |
//! | [`search`] | what the search of a page looks through | html, sources |
//! | [`terms`] | the terms of the glossary and pages of the manual where they stand on other pages | page, html |
//! | [`render`] | what the directives become: figures, transcripts, questions, marks of the tests | question, assertions, evidence, highlight, typesetting, page, html, sources |
//! | [`question`] | the questions at the end of a chapter | evidence, sources |
//! | [`assertions`] | what POSIX and the man pages assert | evidence, sources |
//! | [`evidence`] | tests and where they hold, and what programs have printed | sources |
//! | [`highlight`] | the colours of code | html |
//! | [`stamp`] | the original that a translated page belongs to | sources |
//! | [`typesetting`] | how text is set in each language | |
//! | [`page`] | the Markdown of a page: lines, headings, blocks of code, directives | |
//! | [`html`] | the HTML that mdBook has written, as tokens | |
//! | [`sources`] | the files that the book is made of, and the mistakes in them | |

pub mod arguments;
pub mod assertions;
pub mod check;
pub mod drill;
pub mod evidence;
pub mod highlight;
pub mod html;
pub mod page;
pub mod plot;
pub mod question;
pub mod render;
pub mod search;
pub mod serve;
pub mod simulator;
pub mod site;
pub mod sources;
pub mod stamp;
pub mod terms;
pub mod typesetting;
