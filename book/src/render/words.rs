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
    SHOWN_BY: "What the kernel says, and how to see it", "内核的回答，以及怎样亲自验证";
    SCORE: "Answered {answered} of {of}, {right} right at the first try.", "已答 {answered} 题，共 {of} 题；一次答对 {right} 题。";
    KEPT: "Your answers stay in this browser.", "答案只保存在这个浏览器里。";
    LOST: "This browser stores nothing: your answers are gone when you leave the page.", "这个浏览器不保存任何内容：离开本页，答案就没有了。";
    YOURS: "your answer", "你的答案";
    FORGET: "Forget my answers", "清除我的答案";
    UNDO: "Undo", "撤销";
    BELIEF_NAMED: "The belief has a name:", "这个误解叫";
    PREDICTION: "Your prediction", "你的预测";
    PREDICTION_KEPT: "It stays in this browser, and the end of the chapter shows it beside the answer.", "只保存在这个浏览器里；到了章末，会与答案并排显示。";
    CHOOSE: "Choose", "请选择";
    PREDICTED: "You predicted", "你的预测是";
    IT_IS: "It is", "实际是";
    EACH_STEP: "Each step as text", "每一步的文字";
    PLAY_IT: "Play it here", "在这里运行";
    RIGHT: "Right", "正确";
    WRONG: "Wrong", "错误";
    AS_A_SCENARIO: "Save these lines in a file, and play them with <code>cargo run -- play FILE</code>:", "把下面几行存成文件，用 <code>cargo run -- play FILE</code> 运行：";
    NO_SCRIPT: "This page asks its questions by a script, and none runs here. The program asks such questions without end, and the kernel answers: <code>cargo run -- predict --seed 7 --level 2</code>.", "本页的题目由脚本提出，而这里没有运行脚本。程序也能出这样的题，没有尽头，由内核来回答：<code>cargo run -- predict --seed 7 --level 2</code>。";
    LOAD: "Load the questions", "载入题目";
    LOAD_FAILS: "The questions can’t be loaded.", "题目无法载入。";
    CHOOSE_LESSON: "Questions of", "题目范围";
    ALL_LESSONS: "all lessons", "全部课程";
    LESSON_TITLE: "lesson {number}: {title}", "第 {number} 课：{title}";
    DRILL_QUESTION: "A question of lesson {lesson}, level {level}", "第 {lesson} 课的题目，第 {level} 级";
    AGAIN: "(once more: your last answer was wrong)", "（再来一次：上次没有全对）";
    WHAT_GIVES: "What does the last line give?", "最后一行的结果是什么？";
    RIGHT_GIVES: "Right. The kernel gives", "正确。内核给出：";
    WRONG_GIVES: "Wrong. The kernel gives", "错误。内核给出：";
    RUN: "Run it on your own kernel", "在自己的内核上运行";
    FITS: "expected by", "会这样想的误解：";
    READ: "Read:", "阅读：";
    NEXT: "Next question", "下一题";
    ALL_DONE: "All of these are answered, and none of them is left to come back.", "这些题目都答完了，也没有还要再答的。";
    DRILL_SCORE: "Answered {seen} of {of}; {back} come back.", "已答 {seen} 题，共 {of} 题；还有 {back} 题要再答。";
    LESSON: "Lesson", "课";
    QUESTION: "Question", "问题";
    RULE: "Rule", "规则";
    SOURCE: "Source", "出处";
    ASSERTION: "Assertion, and what shows it", "断言，以及如何证明";
    NOT_SHOWN: "Not shown: ", "没有证明：";
    LEFT_OUT: "Left out: ", "其中没有证明的：";
    FULL_STOP: ".", "。";
}
