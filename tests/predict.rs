//! Predictions and misconceptions: a shortest scenario shows each wrong, on the kernel; programs ask what no scenario can.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mmap_workbook::course::LESSONS;
use mmap_workbook::kernel::Kernel;
use mmap_workbook::misconception::denial::{DENIALS, Denial};
use mmap_workbook::model::{Model, Rule, Setting};
use mmap_workbook::play::Stage;
use mmap_workbook::predict::programs::{PROGRAMS, words_in};
use mmap_workbook::predict::{self, Level, Question, ScenarioQuestion, search};
use mmap_workbook::scenario::{Backend, Outcome, Scenario, TOUR, in_words};
use mmap_workbook::text::Language;
use mmap_workbook::ui::Terminal;

/// That of the temporary directory, on which the kernel plays.
fn setting() -> Setting {
    Stage::new().expect("a stage").setting
}

/// What the last line gives: on the kernel, or after a power cut, which no kernel plays, on the model.
fn given(scenario: &Scenario, kernel: &mut Kernel) -> Outcome {
    let mut given = match scenario.is_for_the_model() {
        true => Model::on(&setting()).play(scenario).unwrap_or_else(|never| match never {}),
        false => kernel.play(scenario).expect("the kernel can"),
    };
    given.pop().expect("a line")
}

/// With this environment variable the scenarios that are found are written to their files.
const UPDATE: &str = "UPDATE_SCENARIOS";

#[test]
fn each_misconception_has_the_shortest_scenario_that_shows_it_wrong() {
    let search =
        |denials: &'static [Denial]| denials.iter().map(|denial| search::shortest(denial.rule, 6)).collect::<Vec<_>>();
    // On two processors at once. The thread has ended before the kernel forks.
    let (first, second) = DENIALS.split_at(DENIALS.len() / 2);
    let second = std::thread::spawn(move || search(second));
    let found = [search(first), second.join().expect("a thread")].concat();
    let mut kernel = Kernel::new().expect("a kernel");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/misconception/shown");
    for (denial, found) in DENIALS.iter().zip(found) {
        let slug = denial.misconception.slug;
        let mut found = found.unwrap_or_else(|| panic!("nothing shows {slug} wrong"));
        let given = given(&found, &mut kernel);
        found.0.last_mut().expect("a line").outcome = Some(given);
        if std::env::var_os(UPDATE).is_some() {
            fs::write(directory.join(format!("{slug}.scenario")), found.to_string()).expect("written");
            continue;
        }
        assert_eq!(denial.shown_wrong_by().to_string(), found.to_string(), "{slug}: {UPDATE}=1 writes it");
    }
    let files: BTreeSet<_> =
        fs::read_dir(directory).expect("read").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(files.len(), DENIALS.len(), "a scenario for each misconception, and no other");
}

/// The kernel gives what the scenario claims, and the misconception expects something else.
#[test]
fn the_kernel_contradicts_each_misconception() {
    let (setting, mut kernel) = (setting(), Kernel::new().expect("a kernel"));
    assert!(DENIALS.len() >= 12);
    for denial in DENIALS {
        let (slug, scenario) = (denial.misconception.slug, denial.shown_wrong_by());
        let claim = scenario.0.last().and_then(|line| line.outcome.clone()).expect("a claim");
        let happened = given(&scenario, &mut kernel);
        assert_eq!(happened, claim, "{slug}");
        let predicted = denial.prediction(&scenario, &setting).expect("a line");
        assert!(!predicted.is_open() && !predicted.allows(&happened), "{slug} predicts {predicted}, and so it is");
    }
}

#[test]
fn each_lesson_has_questions_and_each_question_has_its_answer_among_the_options() {
    let mut kernel = Kernel::new().expect("a kernel");
    let mut check = |question: &Question| {
        let (options, happened) = (question.options(), question.happens(&mut kernel).expect("the kernel can"));
        assert!(options.contains(&happened), "{question:?}: {happened}");
        assert!((2..=6).contains(&options.len()) && options.iter().collect::<BTreeSet<_>>().len() == options.len());
    };
    for lesson in LESSONS {
        let questions = predict::of_lesson(lesson, &setting());
        assert!(lesson.draft || questions.len() >= 8, "lesson {}", lesson.number);
        questions.iter().for_each(&mut check);
    }
    for level in [1, 2, 3].map(|number| Level::new(number).expect("a level")) {
        let some = || predict::series(7, level, setting()).take(2).collect::<Vec<_>>();
        let questions = some();
        questions.iter().for_each(&mut check);
        let texts = |questions: Vec<Question>| questions.iter().map(|q| format!("{q:?}")).collect::<Vec<_>>();
        assert_eq!(texts(questions), texts(some()), "the same seed, the same questions");
    }
    assert!(Level::new(0).is_none() && Level::new(4).is_none());
}

#[test]
fn every_scenario_and_every_program_is_asked_in_its_lesson() {
    let mut asked = BTreeSet::new();
    for lesson in LESSONS {
        for question in predict::of_lesson(lesson, &setting()) {
            let new = match question {
                Question::Scenario(question) => asked.insert(format!("{} {}", lesson.number, question.scenario)),
                Question::Program(program) => {
                    assert_eq!(program.lesson, lesson.number, "{}", program.name);
                    asked.insert(program.name.to_owned())
                }
            };
            assert!(new, "the order of lesson {} has a question twice", lesson.number);
        }
    }
    for denial in DENIALS {
        let question = format!("{} {}", denial.lesson, predict::asked(denial));
        assert!(asked.contains(&question), "src/predict/order.rs: {}", denial.misconception.slug);
    }
    for program in PROGRAMS {
        assert!(asked.contains(program.name), "src/predict/order.rs: {}", program.name);
    }
}

/// On this machine each program gives what its explanation explains, again and again.
#[test]
fn each_program_gives_what_is_explained() {
    for program in PROGRAMS {
        for _ in 0..3 {
            let happened = program.happens().expect("it runs");
            // Not every file system has it.
            let has_none = happened == "EOPNOTSUPP" && program.code().contains("o_tmpfile(");
            assert!(has_none || happened == program.gives, "{}: {happened}", program.name);
        }
        assert!(program.others.iter().all(|(other, _)| *other != program.gives), "{}", program.name);
        let (lines, width) = (program.code().lines().count(), program.code().lines().map(str::len).max());
        assert!((2..=14).contains(&lines) && width <= Some(96), "{}: what is shown of it", program.name);
        for language in Language::ALL {
            let chapter = common::chapter(program.lesson, language);
            assert!(chapter.contains(&format!("{{#{}}}", program.heading)), "{}: its heading", program.name);
        }
    }
}

/// What a question uses, and what the chapter has to say about it.
const TAUGHT: &[(&str, &[&str])] = &[
    // Operations of scenarios.
    (" memfd ", &["memfd_create(2)"]),
    (" map ", &["mmap(2)"]),
    (" anon ", &["nonymous", "匿名"]),
    (" private ", &["private", "私有"]),
    (" shared ", &["shared", "共享"]),
    (" map_at ", &["MAP_FIXED"]),
    (" move ", &["mremap(2)"]),
    (" remap ", &["mremap(2)"]),
    (" lock ", &["mlock(2)"]),
    (" reserve ", &["fallocate("]),
    (" mtime ", &["modification time", "修改时间"]),
    (" unmap ", &["munmap(2)"]),
    (" protect ", &["mprotect(2)"]),
    (" sync ", &["msync(2)"]),
    (" advise ", &["madvise(2)", "MADV_"]),
    (" dontneed", &["MADV_DONTNEED"]),
    (" fork ", &["fork(2)"]),
    (" seal ", &["F_SEAL_"]),
    (" future_write", &["F_SEAL_FUTURE_WRITE"]),
    (" fsync ", &["fsync(2)"]),
    ("sync_range(", &["msync(2)"]),
    ("sync_directory(", &["directory", "目录"]),
    ("disk_with(", &["on the disk", "磁盘上"]),
    ("contents_after_a_power_cut(", &["power cut", "断电"]),
    (" fsync_dir\n", &["directory", "目录"]),
    (" cut\n", &["power cut", "断电"]),
    (" fail ", &["EIO"]),
    (" async", &["MS_ASYNC"]),
    (" rename ", &["rename(2)"]),
    (" unlink ", &["unlink(2)", "removing the file's name", "文件名"]),
    (" trunc\n", &["runcat", "截断"]),
    (" truncate ", &["runcat", "截断"]),
    // Calls of programs, and words of their comments.
    ("read(", &["read(2)"]),
    ("try_clone(", &["dup(2)"]),
    ("read_at(", &["pread(2)"]),
    ("write_at(", &["pwrite(2)"]),
    ("pipe(", &["pipe", "管道"]),
    ("append(", &["O_APPEND"]),
    ("O_TRUNC", &["runcating", "截断"]),
    ("fs::rename(", &["rename(2)"]),
    ("fs::hard_link(", &["hard link", "硬链接", "names point to it"]),
    ("fs::remove_file(", &["unlink(2)"]),
    ("nlink(", &["st_nlink"]),
    ("O_CREAT", &["O_CREAT"]),
    ("alarm_every_10_ms(", &["EINTR"]),
    ("in_a_child(", &["child", "子进程"]),
    ("die(", &["kill -9", "SIGKILL"]),
    ("shared_words(", &["page", "页"]),
    ("fetch_add(", &["fetch_add"]),
    ("Release", &["Release"]),
    ("Acquire", &["Acquire"]),
    ("Relaxed", &["elaxed"]),
    ("futex_wait(", &["futex(2)"]),
    ("futex_wake(", &["futex(2)"]),
    ("try_flock(", &["flock(2)"]),
    ("try_fcntl_lock(", &["F_SETLK"]),
    ("F_SETLK", &["F_SETLK"]),
    ("try_ofd_lock(", &["F_OFD_SETLK"]),
    ("F_OFD_SETLK", &["F_OFD_SETLK"]),
    ("Mapping::of_file(", &["mmap(2)"]),
    ("Mapping::populated(", &["MAP_POPULATE"]),
    ("file_of_pages(", &["memfd_create(2)"]),
    ("faults_of_loads(", &["minor", "次缺页"]),
    ("faults_of_stores(", &["minor", "次缺页"]),
    ("will_need(", &["MADV_WILLNEED"]),
    ("resident(", &["Rss"]),
    ("cached(", &["page cache", "页缓存"]),
    ("split_and_merged(", &["mprotect(2)"]),
    ("o_tmpfile(", &["O_TMPFILE"]),
    ("memory_file(", &["memfd_create(2)"]),
    ("link(&", &["linkat(2)"]),
    ("set_len(", &["ftruncate(2)"]),
    ("blocks(", &["block", "块"]),
    ("/proc/self/fd", &["/proc/self/fd"]),
    ("after_a_power_cut(", &["power cut", "断电"]),
    ("compare_exchange(", &["compare_exchange"]),
    ("remove_pages(", &["hole", "空洞"]),
    ("umask(", &["umask"]),
    ("lend_to_cat(", &["execve(2)"]),
    ("a_program_has(", &["execve(2)"]),
    ("dup2(", &["dup2(2)"]),
    ("CLOEXEC", &["FD_CLOEXEC"]),
    (" seal(", &["seal", "密封"]),
    ("F_SEAL_WRITE", &["F_SEAL_WRITE"]),
    ("Private", &["private", "私有"]),
    ("fsync(2)", &["fsync(2)"]),
    ("receive_file(", &["Unix socket", "Unix 套接字"]),
    ("values_that_a_reader_may_find(", &["Acquire"]),
    ("tempfile::NamedTempFile::new_in(", &["destructor", "析构函数"]),
    ("send_file(", &["open file description", "打开文件描述"]),
    ("ignore_sigbus(", &["SIGBUS"]),
    ("read_into(", &["EFAULT"]),
];

/// What needs no teaching: what std calls it, or the language of scenarios, says what it is.
const PLAIN: &str = "\
    create open close read write load store kill exit
    Ok File::create File::create_new File::open File::options fs::write fs::read_to_string fs::metadata write_all metadata
    len drop write create_new open mode char::from format! UnixStream::pair Path::new number_in names as_raw_fd with then to_string
    page_size map";

/// What is called by name in a program, and the operations of a scenario.
fn calls_in(question: &Question) -> Vec<String> {
    match question {
        Question::Scenario(question) => {
            let lines = question.scenario.0.iter().map(|line| line.operation.to_string());
            lines.map(|line| line.split(' ').next().expect("a verb").to_owned()).collect()
        }
        Question::Program(program) => {
            let code = program.code();
            let code = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<String>();
            let before = code.split('(').map(|before| {
                let from = before.rfind(|c: char| !c.is_alphanumeric() && !"_:!".contains(c)).map_or(0, |at| at + 1);
                before[from..].trim_start_matches(':').to_owned()
            });
            before.filter(|call| !call.is_empty() && !code.ends_with(call.as_str())).collect()
        }
    }
}

/// No question uses what only a later chapter teaches, or none; nor does the explanation of a program.
#[test]
fn what_a_question_uses_is_taught_by_then() {
    let mut kernel = Kernel::new().expect("a kernel");
    let (mut so_far, mut wrong) = (Language::ALL.map(|_| String::new()), Vec::new());
    for lesson in LESSONS.iter().filter(|lesson| !lesson.draft) {
        for (pages, language) in so_far.iter_mut().zip(Language::ALL) {
            *pages += &common::chapter(lesson.number, language);
        }
        for question in predict::of_lesson(lesson, &setting()) {
            let (asks, mut says) = match &question {
                Question::Scenario(question) => (question.scenario.to_string(), Vec::new()),
                Question::Program(program) => (program.code(), vec![&program.why]),
            };
            let happened = question.happens(&mut kernel).expect("the kernel can");
            if let Question::Scenario(question) = &question {
                let outcome = question.options.iter().find(|option| option.to_string() == happened).expect("an option");
                says.extend(question.rules(outcome).into_iter().map(Rule::sentence));
            }
            let wrongs = question.options().into_iter().filter(|option| *option != happened);
            let beliefs = wrongs.flat_map(|option| question.expected_by(&option));
            says.extend(beliefs.flat_map(|(misconception, _)| [&misconception.belief, &misconception.against]));
            for call in calls_in(&question) {
                let taught = TAUGHT.iter().any(|(word, _)| word.trim().trim_end_matches(['(', '&']) == call);
                if !taught && !PLAIN.split_whitespace().any(|plain| plain == call) {
                    wrong.push(format!(
                        "{} what teaches {call}? It belongs into TAUGHT or PLAIN.\n{asks}",
                        lesson.number
                    ));
                }
            }
            let used = TAUGHT.iter().filter(|(word, _)| asks.contains(word));
            for (pages, language) in so_far.iter().zip(Language::ALL) {
                for (word, words) in used.clone().filter(|(_, words)| !words.iter().any(|word| pages.contains(word))) {
                    wrong.push(format!("{} ({}): {word:?}, one of {words:?}\n{asks}", lesson.number, language.code()));
                }
                let unknown = says.iter().flat_map(|text| common::names_in(text.in_language(language)));
                for name in unknown.filter(|name| !pages.contains(*name)) {
                    let language = language.code();
                    wrong.push(format!(
                        "{} ({language}): {name}, in what an answer to this is told:\n{asks}",
                        lesson.number
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "no chapter up to this lesson's has these words:\n{}", wrong.join("\n"));
}

/// Each function that is not std's has an explanation; each explanation is of a function that some program calls.
#[test]
fn a_question_mark_explains_each_function_of_a_program() {
    let explained: BTreeSet<_> = PROGRAMS
        .iter()
        .flat_map(|program| words_in(&program.code()).map(|(word, _)| word).collect::<Vec<_>>())
        .collect();
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/predict/programs/vocabulary.rs"))
        .expect("source");
    for function in source.split("\npub(super) fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next()) {
        let own = function.starts_with("answer_of");
        assert!(own || explained.contains(function), "{function}");
    }
}

/// A call by name: not a method, another function, or the name of a call in a comment.
#[test]
fn a_question_mark_explains_no_function_that_is_not_called() {
    let code = "fs::remove_file(f)?; // unlink(2), pread(2)\nfs::hard_link(f)?.nlink();\nFile::options().read(true);\n";
    assert_eq!(words_in(code).map(|(word, _)| word).collect::<Vec<_>>(), [""; 0]);
    let words: Vec<_> = words_in("link(&file)?;\nOk((1, read(&file, 3)?))\n").map(|(word, _)| word).collect();
    assert!(words.contains(&"link") && words.contains(&"read") && words.len() == 2, "{words:?}");
}

/// A question names what it is asked for first, and each says what to read.
#[test]
fn each_scenario_says_what_to_read_and_names_its_own_misconception_first() {
    for denial in DENIALS {
        for language in Language::ALL {
            let (lesson, id) = denial.heading;
            assert!(
                common::chapter(lesson, language).contains(&format!("{{#{id}}}")),
                "{}: its heading",
                denial.misconception.slug
            );
            assert!(lesson <= denial.lesson, "{}: a later chapter", denial.misconception.slug);
        }
    }
    for lesson in LESSONS {
        for question in predict::of_lesson(lesson, &setting()) {
            let Question::Scenario(scenario) = &question else { continue };
            let own = scenario.asked_for.expect("in a lesson");
            let prediction = own.prediction(&scenario.scenario, &scenario.setting).expect("a line").to_string();
            let named = question.expected_by(&prediction);
            assert_eq!(named.first().expect("its own").0.slug, own.misconception.slug);
        }
    }
    for language in Language::ALL {
        let text = sitting(5, "a\na\nq\n", language);
        let read = [r#"Read: chapter 5 of the book, "A name is not the file""#, "阅读：书的第 5 章"];
        assert_eq!(text.matches(read[usize::from(language == Language::Chinese)]).count(), 2, "{text}");
    }
}

/// What is printed for these answers, on a terminal as wide as its longest line.
fn sitting_on(
    kernel: &mut dyn Backend<Error = std::io::Error>,
    lesson: usize,
    answers: &str,
    language: Language,
) -> String {
    sitting_of(predict::of_lesson(&LESSONS[lesson - 1], &setting()).into_iter(), kernel, answers, language)
}

fn sitting_of(
    questions: impl Iterator<Item = Question>,
    kernel: &mut dyn Backend<Error = std::io::Error>,
    answers: &str,
    language: Language,
) -> String {
    let mut out = Vec::new();
    let terminal = &mut Terminal::new(&mut out, language, usize::MAX);
    predict::sit(questions, kernel, &mut answers.as_bytes(), terminal).expect("a sitting");
    anstream::adapter::strip_str(&String::from_utf8(out).expect("text")).to_string()
}

fn sitting(lesson: usize, answers: &str, language: Language) -> String {
    sitting_on(&mut Kernel::new().expect("a kernel"), lesson, answers, language)
}

#[test]
fn an_answer_that_is_no_text_is_asked_for_again_and_one_without_end_is_refused() {
    let sit = |answers: &mut dyn std::io::BufRead| {
        let questions = predict::of_lesson(&LESSONS[1], &setting());
        let mut out = Vec::new();
        let terminal = &mut Terminal::new(&mut out, Language::English, usize::MAX);
        let sat = predict::sit(questions.into_iter(), &mut Kernel::new().expect("a kernel"), answers, terminal);
        (sat, String::from_utf8(out).expect("text"))
    };
    let (sat, said) = sit(&mut &b"\xff\na\nq\n"[..]);
    sat.expect("a sitting");
    assert!(said.contains("One of the letters, please:") && said.contains(" of 1 predicted."), "{said}");
    let (sat, _) = sit(&mut std::io::BufReader::new(std::io::repeat(b'a')));
    let error = sat.expect_err("no answer").to_string();
    assert!(error.starts_with("standard input: ") && error.lines().count() == 1, "{error}");
}

#[test]
fn a_wrong_prediction_is_answered_with_the_misconception_and_summed_up() {
    let setting = setting();
    for denial in DENIALS {
        let lesson = usize::from(denial.lesson);
        let questions = predict::of_lesson(&LESSONS[lesson - 1], &setting);
        let asked = predict::asked(denial);
        let is_asked = |question: &Question| matches!(question, Question::Scenario(other) if other.scenario == asked);
        // What the others are answered doesn't matter here; an outcome may be written out as well.
        let number = questions.iter().position(is_asked).expect("it is asked");
        let predicted = denial.prediction(&asked, &setting).expect("a line").to_string();
        let text = sitting(lesson, &format!("{}{predicted}\nq\n", "a\n".repeat(number)), Language::English);
        let slug = denial.misconception.slug;
        assert!(text.contains(&format!("[{slug}]: {}", denial.misconception.belief.en)), "{slug}\n{text}");
        assert!(text.contains(denial.misconception.against.en.as_ref()), "{slug}");
        assert!(text.contains(&format!("x [{slug}] ")), "{slug} in the sum");
        let (chapter, _) = denial.heading;
        assert!(text.contains(&format!("\n      chapter {chapter} of the book, \"")), "{slug}: what to read");
    }
}

#[test]
fn a_program_is_asked_and_its_answer_explained_in_either_language() {
    let questions = predict::of_lesson(&LESSONS[3], &setting());
    let is_it =
        |question: &Question| matches!(question, Question::Program(program) if program.name == "lost_increment");
    let before = "a\n".repeat(questions.iter().position(is_it).expect("it is asked"));
    let text = sitting(4, &format!("{before}?\n2\nq\n"), Language::English);
    for part in [
        "      let n = count.load(Relaxed);\n      count.store(n + 1, Relaxed);\n",
        "  Ok(count.load(Relaxed))  => ?\n",
        "  in_a_child\n    a child process runs this",
        "No. The kernel gives 1.\nThe parent loaded 0 before the child's turn",
        "Read: chapter 4 of the book, \"A change in one step\"\n",
        "[load-and-store-is-one-step]: In shared memory",
        "  1 x [load-and-store-is-one-step]",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let text = sitting(4, &format!("{before}1\nq\n"), Language::Chinese);
    assert!(text.contains("对。内核给出 1。\n父进程在子进程之前读到 0"), "{text}");
}

#[test]
fn who_died_on_the_way_is_said() {
    let lines = "A map m anon shared rw 1p\nA fork B\nB store m 1 \"y\"\nB load m 1p 1\nA load m 0 2";
    let scenario = Scenario::parse(lines).expect("a scenario");
    let options = Kernel::new().expect("a kernel").play(&scenario).expect("outcomes")[4..].to_vec();
    let question = Question::Scenario(ScenarioQuestion { scenario, setting: setting(), options, asked_for: None });
    for (language, died) in [
        (Language::English, "Before that, B died of SIGSEGV/SEGV_MAPERR in line 4.\n"),
        (Language::Chinese, "在那之前，B 在第 4 行死于 SIGSEGV/SEGV_MAPERR。\n"),
    ] {
        let text = sitting_of([question.clone()].into_iter(), &mut Kernel::new().expect("a kernel"), "a\n", language);
        assert!(text.contains(died), "{text}");
    }
}

#[test]
fn a_right_prediction_is_answered_with_the_rule_in_either_language() {
    let question = &predict::of_lesson(&LESSONS[5], &setting())[0];
    let happened = question.happens(&mut Kernel::new().expect("a kernel")).expect("the kernel can");
    let letter = ('a'..).zip(question.options()).find(|(_, option)| *option == happened).expect("an option").0;
    for (language, yes, rule, sum) in [
        (Language::English, "Yes. The kernel gives ", "past the end of the file does not exist", "1 of 1 predicted."),
        (Language::Chinese, "对。内核给出 ", "文件末尾", "1 题中猜对 1 题。"),
    ] {
        let text = sitting(6, &format!("what?\n{letter}\n"), language);
        assert!(text.contains(yes) && text.contains(rule) && text.contains(sum), "{text}");
        assert!(!text.contains('['), "no misconception: {text}");
    }
}

/// A kernel that refuses everything: the answer must be what it gives, not what the model says.
struct Otherwise;

impl Backend for Otherwise {
    type Error = std::io::Error;

    fn play(&mut self, scenario: &Scenario) -> std::io::Result<Vec<Outcome>> {
        Ok(vec![Outcome::Errno("ENOTSUP".into()); scenario.0.len()])
    }
}

#[test]
fn the_answer_is_the_kernels_and_not_the_models() {
    let text = sitting_on(&mut Otherwise, 3, "a\nb\nq\n", Language::English);
    assert_eq!(text.matches("No. The kernel gives ENOTSUP.").count(), 2, "{text}");
    assert_eq!(text.matches("The model is wrong here.").count(), 2, "{text}");
    assert!(text.contains("0 of 2 predicted.") && !text.contains("misconception"), "{text}");
}

#[test]
fn what_posix_leaves_open_is_said() {
    let text = sitting(3, "a\na\na\nq\n", Language::English);
    assert!(text.contains("POSIX leaves this unspecified: on another system it may be 0*1."), "{text}");
    assert_eq!(text.matches("POSIX leaves").count(), 1, "of the third question, and not of the first two: {text}");
    assert!(sitting(3, "a\na\na\nq\n", Language::Chinese).contains("POSIX 对此未作规定：在别的系统上可能是 0*1。"));
}

#[test]
fn a_question_mark_says_the_lines_in_words() {
    let text = sitting(3, "?\nq\n", Language::English);
    let words = "A maps 1 page of the file open as d, from the start (MAP_PRIVATE, PROT_READ | PROT_WRITE); the mapping is \
                 called m.";
    assert!(text.contains(words) && text.contains("Question 1 of 10"), "{text}");
    assert!(text.contains("0*3 is three zero bytes.") && !text.contains("predicted."), "{text}");
    let text = sitting(3, "?\nq\n", Language::Chinese);
    assert!(text.contains("A 在映射 m 的起点写入 \"x\"。") && text.contains("第 1 题，共 10 题"), "{text}");
}

/// Each operation, and each way to say a number of bytes.
#[test]
fn every_line_has_its_words() {
    let more = "A read d 2p-1 1\nA store m 2p+3 'x'*10\nA create f 'y'*2p-1";
    let scenario = Scenario::parse(&format!("{TOUR}{more}")).expect("a scenario");
    let words = scenario.0.iter().map(|line| {
        let words = in_words(line);
        format!("{} {}\n  {}\n  {}\n", line.process, line.operation, words.en, words.zh)
    });
    insta::assert_snapshot!(words.collect::<String>());
}
