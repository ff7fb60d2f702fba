//! The program `workbook`: reads its arguments and calls the library.

use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use mmap_workbook::arguments::{
    Arguments, Check, Command, Format, Grade as OfClass, Play, Predict, Program, Run, Torture,
};
use mmap_workbook::class::handout::handout;
use mmap_workbook::class::update::{Updated, outdated, update};
use mmap_workbook::class::{self, Points, Wanted};
use mmap_workbook::course::feedback;
use mmap_workbook::course::grading::Grade;
use mmap_workbook::course::progress::Progress;
use mmap_workbook::course::{self, Course, DemoInput, Lesson, commands};
use mmap_workbook::error;
use mmap_workbook::grade::refuse_a_deadline_that_is_none;
use mmap_workbook::lesson_4::{self, Pace};
use mmap_workbook::lesson_7;
use mmap_workbook::play;
use mmap_workbook::play::torture;
use mmap_workbook::play::{Place, Stage};
use mmap_workbook::predict;
use mmap_workbook::process;
use mmap_workbook::text;
use mmap_workbook::text::Language;
use mmap_workbook::ui::{self, StandardOutput, Terminal};

fn main() -> ExitCode {
    let arguments = Arguments::of_program();
    let grades = matches!(
        &arguments.command,
        Some(Command::Check(_) | Command::Grade(_) | Command::Solution { force: false, .. })
    );
    let watches = matches!(&arguments.command, Some(Command::Watch { .. }));
    // Played with a difference is told from not played.
    let failed = if matches!(&arguments.command, Some(Command::Play(_))) { 2 } else { 1 };
    let status = ui::fail_at_the_file_size_limit().and_then(|()| {
        if grades || watches {
            refuse_a_deadline_that_is_none()?;
        }
        let run = || status(run(arguments), failed);
        if grades { process::guarded(run) } else { Ok(run()) }
    });
    ExitCode::from(status.unwrap_or_else(|error| status_of_error(&error, failed)))
}

fn status(ran: io::Result<bool>, failed: u8) -> u8 {
    match ran {
        Ok(done) => u8::from(!done),
        Err(error) => status_of_error(&error, failed),
    }
}

fn status_of_error(error: &io::Error, failed: u8) -> u8 {
    // Whoever read the output has seen enough: `head`, for example.
    if ui::is_of_unread_output(error) {
        return 1;
    }
    ui::complain(&error::in_words(error));
    failed
}

/// Runs the command. False when a graded exercise isn't solved, a solution isn't shown, or the model and the kernel differ.
fn run(arguments: Arguments) -> io::Result<bool> {
    let mut out = StandardOutput::new()?;
    let course = Course::of_program();
    let progress = Progress::of(&course);
    let terminal = &mut Terminal::new(&mut out, Language::of_environment(), width());
    let mut solved = true;
    // Whatever is about an exercise may be the first that the learner asks for. An update begins them itself, afterwards.
    if !matches!(
        arguments.command,
        Some(
            Command::Run(_)
                | Command::Play(_)
                | Command::Predict(_)
                | Command::Torture(_)
                | Command::Handout { .. }
                | Command::Update { .. }
                | Command::Grade(_)
                | Command::Merge { .. }
        )
    ) {
        course.begin(terminal.language());
        for n in outdated(&course) {
            ui::complain(&text!(
                "exercise {n} has a newer contract than your file: cargo run -- update",
                "第 {n} 课的约定有更新，你的文件还是旧的：cargo run -- update"
            ));
        }
    }
    match arguments.command {
        None if io::stdin().is_terminal() && io::stdout().is_terminal() => course::start(&course, terminal)?,
        None => terminal.list(&course, &progress)?,
        Some(Command::Run(run)) => run_lesson(run, terminal)?,
        Some(Command::Check(check)) => solved = grade(&course, &progress, &check, terminal)?,
        Some(Command::Watch { lesson }) => course::watch(&course, lesson, terminal)?,
        Some(Command::Hint(hint)) => {
            let lesson = given_or_next(hint.lesson, &course, &progress)?;
            commands::hint(&course, lesson, hint.function.as_deref(), hint.level, terminal)?;
        }
        Some(Command::Solution { lesson, force }) => {
            // The stored progress is not trusted.
            let may_see = force || course.is_handout() || commands::graded(&course, lesson, terminal)?.is_solved();
            solved = commands::solution(&course, lesson, may_see, terminal)?;
        }
        Some(Command::Handout { directory }) => terminal.say(&handout(&course, &directory)?)?,
        Some(Command::Update { directory }) => {
            let Updated { done, conflicts } = update(&course, directory.as_deref(), terminal.language())?;
            done.iter().try_for_each(|paragraph| terminal.say(paragraph))?;
            conflicts.iter().for_each(ui::complain);
            solved = conflicts.is_empty();
        }
        Some(Command::Play(play)) => solved = play_scenario(&play, terminal)?,
        Some(Command::Predict(predict)) => predict_outcomes(&predict, terminal)?,
        Some(Command::Torture(torture)) => solved = torture_model(&torture, terminal)?,
        Some(Command::Pack { to }) => {
            let lessons = class::pack(&course, &to)?;
            let (numbers, to) = (lessons.iter().map(u8::to_string).collect::<Vec<_>>().join(", "), to.display());
            terminal.say(&text!("{to} has your answers to {numbers}", "{to} 里有你对练习 {numbers} 的答案"))?;
        }
        Some(Command::Grade(of_class)) => grade_class(&of_class, &course, terminal)?,
        Some(Command::Merge { from, to }) => {
            let (students, lines) = class::merge(&from, &to, terminal.language())?;
            let to = to.display();
            terminal.say(&text!(
                "{lines} grades of {students} students are in {to}",
                "{to} 里有 {students} 名学生的 {lines} 个成绩"
            ))?;
        }
        Some(Command::Reset { lesson }) => {
            terminal.say(&commands::reset(&course, lesson, terminal.language())?)?;
        }
    }
    out.flush()?;
    Ok(solved)
}

/// The terminal's width, up to what is easy to read; without a terminal, lines are not broken.
fn width() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map_or(usize::MAX, |(terminal_size::Width(columns), _)| usize::from(columns).min(110))
}

fn given_or_next(given: Option<&'static Lesson>, course: &Course, progress: &Progress) -> io::Result<&'static Lesson> {
    let lesson = match given {
        Some(_) => given,
        None => progress.next(course)?.or(course::listed().last()),
    };
    lesson.ok_or_else(|| error::other(text!("no lesson is listed", "一课也没有列出")))
}

fn grade(course: &Course, progress: &Progress, check: &Check, terminal: &mut Terminal) -> io::Result<bool> {
    let lessons = match check.all {
        true => course::listed().collect(),
        false => vec![given_or_next(check.lesson, course, progress)?],
    };
    let (mut grades, language) = (Vec::new(), terminal.language());
    for lesson in lessons {
        let outcome = commands::graded(course, lesson, terminal).map_err(|error| error::in_words(&error));
        // One that can't be graded is no reason to leave out the others.
        if let Err(problem) = &outcome {
            ui::complain(problem);
        }
        match (check.format, &outcome) {
            (Format::Text, Ok(grade)) => terminal.grade(course, lesson, grade)?,
            (Format::Json, outcome) => feedback::json(terminal.out(), course, lesson, outcome, language)?,
            (Format::Text | Format::Junit, _) => {}
        }
        grades.push((lesson, outcome));
    }
    if let Format::Junit = check.format {
        feedback::junit(terminal.out(), course, &grades, language)?;
    }
    Ok(grades.iter().all(|(_, outcome)| outcome.as_ref().is_ok_and(Grade::is_solved)))
}

fn grade_class(arguments: &OfClass, course: &Course, terminal: &mut Terminal) -> io::Result<()> {
    let points = match &arguments.points {
        Some(file) => Points::of_file(file, course)?,
        None => Points::default(),
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let wanted = Wanted {
        directories: &arguments.directories,
        lessons: &arguments.lessons,
        to: &arguments.to,
        at_once: if arguments.no_sandbox { 1 } else { arguments.jobs.unwrap_or(cores) },
        shard: arguments.shard,
        limit: arguments.deadline,
        points: &points,
        sandbox: !arguments.no_sandbox,
    };
    class::grade(course, &wanted, terminal)
}

fn run_lesson(run: Run, terminal: &mut Terminal) -> io::Result<()> {
    let language = terminal.language();
    let mut out = terminal.out();
    if let (Some(program), Some(channel)) = (run.program, run.channel) {
        let n = run.lesson.number;
        if n != 4 {
            return Err(error::other(text!(
                "lesson {n} has no programs; lesson 4 has two",
                "第 {n} 课没有单独的程序；第 4 课有两个"
            )));
        }
        let pace = Pace { period: run.period, count: run.count, language };
        return match program {
            Program::Writer => lesson_4::write_hellos(&mut out, &channel, &pace),
            Program::Reader => lesson_4::read_hellos(&mut out, &channel, &pace),
        };
    }
    if run.format == "json" {
        let n = run.lesson.number;
        if n != 7 {
            return Err(error::other(text!(
                "lesson {n} measures nothing; lesson 7 does",
                "第 {n} 课没有测量结果；第 7 课有"
            )));
        }
        return lesson_7::write_figures(&mut out, &std::env::temp_dir());
    }
    let subject = match (run.file, run.in_place) {
        (None, _) => DemoInput::Sample,
        (Some(path), false) => DemoInput::CopyOf(path),
        (Some(path), true) => DemoInput::InPlace(path),
    };
    course::run(run.lesson, &subject, out, language)
}

/// False when the kernel's outcome differs from the model's or from one that the scenario states.
fn play_scenario(arguments: &Play, terminal: &mut Terminal) -> io::Result<bool> {
    let source = play::Source::read(&arguments.file)?;
    let mut stage = stage(arguments.on.as_deref())?;
    if arguments.format == "json" {
        return play::both_as_json(terminal.out(), &source, &mut stage, arguments.trace);
    }
    let rows = play::both(source.scenario()?, &mut stage)?;
    let language = terminal.language();
    play::print(terminal.out(), &rows, &stage, arguments.trace, language)?;
    Ok(rows.iter().all(play::Row::agrees))
}

fn stage(on: Option<&Path>) -> io::Result<Stage> {
    match on {
        Some(directory) => Stage::in_dir(directory),
        None => Stage::new(),
    }
}

fn predict_outcomes(arguments: &Predict, terminal: &mut Terminal) -> io::Result<()> {
    let (mut stage, mut input) = (Stage::new()?, io::stdin().lock());
    let setting = stage.setting;
    if let (Some(seed), Some(level)) = (arguments.seed, predict::Level::new(arguments.level)) {
        let questions = predict::series(seed, level, setting);
        return predict::sit(questions, &mut stage, &mut input, terminal);
    }
    let lessons = arguments.lesson.map_or_else(|| course::listed().collect(), |lesson| vec![lesson]);
    let mut questions = Vec::new();
    for lesson in lessons {
        questions.extend(predict::of_lesson(lesson, &setting));
    }
    predict::sit(questions.into_iter(), &mut stage, &mut input, terminal)
}

/// False when a difference was found.
fn torture_model(arguments: &Torture, terminal: &mut Terminal) -> io::Result<bool> {
    let places = match &arguments.on {
        Some(directory) => vec![Place::of_directory(directory)?],
        None => Place::at_hand()?,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    let seed = arguments.seed.unwrap_or(u64::from(now.subsec_nanos()));
    torture::run(terminal, &places, None, arguments.ops, seed)
}
