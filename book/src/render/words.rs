//! The words that the directives put on a page, in all languages.

use mmap_workbook::text::Text;

macro_rules! words {
    ($($name:ident: $($words:literal),+;)+) => {
        $(pub static $name: Text = Text::fixed($($words),+);)+

        /// All of them.
        pub static ALL: &[&Text] = &[$(&$name),+];
    };
}

words! {
    IN_WORDS: "In words", "文字说明";
    PRINTS: "prints", "的输出";
    HELD: "Checked by a test", "有测试保证";
    HELD_WHERE: "Checked by a test, where it can run", "在能运行的环境里，有测试保证";
    HELD_BY: "Checked by ", "由测试保证：";
    BELIEVED: "Often believed:", "常见误解：";
    FACT: "In fact:", "事实：";
    TO_ANSWER: "The answer, once you have written yours down", "写下预测之后，看解答";
    TO_PREDICTION: "The question again", "再看一遍题目";
    SHOWN_BY: "How to see it", "怎样亲眼看到";
    RIGHT: "Right", "正确";
    WRONG: "Wrong", "错误";
    AS_A_SCENARIO: "As a scenario, for <code>cargo run -- play</code>:", "写成脚本，可以交给 <code>cargo run -- play</code>：";
    LESSON: "Lesson", "课";
    QUESTION: "Question", "问题";
    RULE: "Rule", "规则";
    SOURCE: "Source", "出处";
    ASSERTION: "Assertion, and what shows it", "断言，以及如何证明";
    NOT_SHOWN: "Not shown: ", "没有证明：";
    LEFT_OUT: "Left out: ", "其中没有证明的：";
    FULL_STOP: ".", "。";
}
