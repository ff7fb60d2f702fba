//! The book of the mmap workbook: from pages in Markdown to a site in English and in Chinese.
//!
//! # Layout
//! - [`sources`]: the files that the book is made of
//! - [`html`]: a look over what mdBook has written
//! - [`page`]: a page's lines, headings, listings and directives
//! - [`render`]: what the directives become: figures, transcripts, questions, marks of the tests
//! - [`ledger`]: what POSIX and the man pages assert, as tables
//! - [`site`]: both languages as a site of static files, made with mdBook
//! - [`check`]: the rules that the sources keep to
//! - [`serve`]: the site on this machine, built again when a source changes
//! - [`stamp`]: which English page a Chinese page was written from

pub mod check;
pub mod html;
pub mod ledger;
pub mod page;
pub mod question;
pub mod render;
pub mod serve;
pub mod site;
pub mod sources;
pub mod stamp;
