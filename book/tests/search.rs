//! The search finds what people look for: its script runs here as it runs in a page.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use book::site;
use book::sources::Sources;
use mmap_workbook::text::Language;
use rquickjs::{CatchResultExt, Context, Function, Runtime};

/// What somebody types, in which language, and the page that has to be among the first three results; after `#` the
/// section, where that matters.
const QUERIES: &[(&str, &str, &str)] = &[
    ("bus error docker", "en", "symptoms"),
    ("exit code 135", "en", "symptoms"),
    ("/dev/shm too small", "en", "symptoms"),
    ("OOM mmap", "en", "symptoms"),
    ("file overwritten while mapped", "en", "6_bus_error"),
    ("mmap cannot allocate memory", "en", "symptoms"),
    ("max_map_count", "en", "symptoms"),
    ("ENODEV mmap", "en", "symptoms"),
    ("overlayfs stale mapping", "en", "file_systems"),
    ("mmap over NFS", "en", "file_systems"),
    ("msync fsync difference", "en", "8_durability"),
    ("memory barrier", "en", "4_cross_process_ipc"),
    ("stale lock after crash", "en", "4_cross_process_ipc"),
    ("share memory between two processes", "en", "4_cross_process_ipc"),
    ("copy on write fork", "en", "3_shared_vs_private"),
    ("private mapping sees changes", "en", "3_shared_vs_private"),
    ("SIGBUS handler", "en", "6_bus_error"),
    ("temporary file without a name", "en", "5_unlinked_temp_files"),
    ("memfd seal", "en", "5_unlinked_temp_files"),
    ("offset must be multiple of page size", "en", "2_mmap_munmap"),
    ("空文件 总线错误", "zh", "6_bus_error"),
    ("共享内存", "zh", "4_cross_process_ipc"),
    ("内存映射文件", "zh", "2_mmap_munmap"),
    ("写时复制", "zh", "3_shared_vs_private"),
    ("段错误", "zh", "2_mmap_munmap"),
    ("脏页 落盘", "zh", "1_traditional_io"),
    ("撕裂读", "zh", "4_cross_process_ipc"),
    ("内存屏障", "zh", "4_cross_process_ipc"),
    ("临时文件 unlink", "zh", "5_unlinked_temp_files"),
    ("容器 总线错误", "zh", "symptoms"),
    ("kubernetes pod OOMKilled mmap", "en", "symptoms#oom"),
    ("segfault after munmap", "en", "symptoms#segfault-munmap"),
    ("text file busy", "en", "symptoms#etxtbsy"),
    ("file is all zeros after power loss", "en", "symptoms#zeros-after-crash"),
    ("inotify does not see mmap writes", "en", "symptoms#unnoticed"),
    ("is mmap a memory leak", "en", "symptoms#rss"),
    ("copy-on-write", "en", "3_shared_vs_private#copy_on_write"),
    ("readahead", "en", "symptoms#slow-random"),
    ("deadlock", "en", "symptoms#deadlock"),
    ("cgroup", "en", "symptoms#cgroup"),
    ("atomic rename config file", "en", "1_traditional_io#replace"),
    ("sparse file", "en", "5_unlinked_temp_files#holes"),
    ("torn read", "en", "4_cross_process_ipc"),
    ("SCM_RIGHTS", "en", "5_unlinked_temp_files#descriptor"),
    ("MAP_SHARED vs MAP_PRIVATE", "en", "3_shared_vs_private#matrix"),
    ("partial write", "en", "1_traditional_io#loops"),
    ("wake another process futex", "en", "4_cross_process_ipc#bell"),
    ("windows truncate mapped file", "en", "symptoms#windows"),
    ("segmantation fault store", "en", "symptoms#segfault-store"),
    ("page cache", "en", "glossary#page-cache"),
    ("内存泄漏", "zh", "symptoms#rss"),
    ("无法分配内存", "zh", "symptoms#enomem"),
    ("设备上没有空间", "zh", "symptoms#shm-too-small"),
    ("容器里文件没有更新", "zh", "symptoms"),
    ("死锁", "zh", "symptoms#deadlock"),
    ("断电后文件全是零", "zh", "symptoms#zeros-after-crash"),
    ("MAP_PRIVATE 快照", "zh", "3_shared_vs_private#snapshot"),
    ("偏移量 对齐", "zh", "2_mmap_munmap#window"),
    ("文件描述符 传递", "zh", "5_unlinked_temp_files#descriptor"),
    ("预读 随机访问", "zh", "symptoms#slow-random"),
    ("mmap vs read performance", "en", "7_cost"),
    ("drop page cache without root", "en", "7_cost#cold"),
    ("mmap 性能", "zh", "7_cost"),
    ("crash consistency", "en", "8_durability"),
    ("write-ahead log mmap", "en", "8_durability"),
    ("why not use mmap in a database", "en", "8_durability#databases"),
    ("fsync error EIO", "en", "8_durability#errors"),
    ("掉电 数据丢失", "zh", "8_durability"),
    ("崩溃一致性", "zh", "8_durability"),
    ("清空页缓存", "zh", "7_cost#cold"),
];

/// Queries in words of their own, which have to do without book/search.toml's words for sections.
const WITHOUT_HELP: &[(&str, &str, &str)] = &[
    ("power cut", "en", "8_durability"),
    ("does munmap write to disk", "en", "8_durability"),
    ("msync MS_ASYNC MS_SYNC", "en", "8_durability#promises"),
    ("fsync returns error then success", "en", "8_durability#errors"),
    ("two slots checksum", "en", "8_durability"),
    ("append-only log recovery", "en", "8_durability"),
    ("shadow pages", "en", "8_durability#shadow"),
    ("fsync directory after rename", "en", "8_durability"),
    ("crash states of a disk", "en", "8_durability#states"),
    ("断电 恢复", "zh", "8_durability"),
    ("msync 写到磁盘", "zh", "8_durability"),
    ("影子页", "zh", "8_durability#shadow"),
    ("提交 校验和", "zh", "8_durability"),
    ("mmap faster than read", "en", "7_cost"),
    ("page fault cost", "en", "7_cost"),
    ("minor page faults count getrusage", "en", "7_cost#count"),
    ("madvise random access database", "en", "7_cost#advice"),
    ("MAP_POPULATE", "en", "7_cost#populate"),
    ("benchmark mmap", "en", "7_cost"),
    ("page table overhead", "en", "7_cost"),
    ("transparent huge pages", "en", "7_cost"),
    ("mincore pagemap", "en", "7_cost#places"),
    ("mmap 比 read 快吗", "zh", "7_cost"),
    ("缺页 次数", "zh", "7_cost"),
    ("随机读 预读", "zh", "7_cost"),
    ("大页", "zh", "7_cost#memory"),
    ("页表 占用内存", "zh", "7_cost"),
    ("基准测试", "zh", "7_cost"),
    ("预先映射", "zh", "7_cost#populate"),
    ("mmap slower than read", "en", "symptoms#slow-random"),
    ("why is mmap slow", "en", "symptoms#slow-first"),
    ("file truncated by another process while mapped", "en", "surprises#truncated"),
    ("munmap while another thread reads", "en", "symptoms#segfault-munmap"),
    ("how to wake a process that waits", "en", "4_cross_process_ipc#bell"),
    ("writer killed while holding a lock", "en", "4_cross_process_ipc#reader"),
    ("data lost after power cut", "en", "1_traditional_io#power"),
    ("close file descriptor after mmap", "en", "surprises#close"),
    ("child sees parent changes after fork", "en", "3_shared_vs_private#matrix"),
    ("delete file that is mapped", "en", "5_unlinked_temp_files"),
    ("mmap a file larger than memory", "en", "2_mmap_munmap#window"),
    ("mmap returns -1", "en", "2_mmap_munmap#refusals"),
    ("grow a file that is mapped", "en", "5_unlinked_temp_files#growing"),
    ("how much memory does a mapping use", "en", "symptoms#rss"),
    ("signal safe functions in a handler", "en", "6_bus_error#reporting_handler"),
    ("no space left when storing to mapping", "en", "symptoms#full-disk"),
    ("fsync after rename directory", "en", "symptoms#zeros-after-crash"),
    ("pass memory to another process", "en", "surprises#passed-descriptor"),
    ("Bus error (core dumped)", "en", "symptoms#bus-error"),
    ("exit status 139", "en", "symptoms#exit-code"),
    ("mmap 比 read 慢", "zh", "symptoms#slow-random"),
    ("文件被别的进程截断", "zh", "6_bus_error"),
    ("子进程 看到 父进程 修改", "zh", "3_shared_vs_private#matrix"),
    ("进程被杀死 锁没有释放", "zh", "symptoms#deadlock"),
    ("msync 和 fsync", "zh", "8_durability"),
    ("信号处理函数里能调用什么", "zh", "reading#man"),
    ("退出码 135", "zh", "symptoms#exit-code"),
];

/// Gives what the script finds in a language: the addresses of the sections, best first. Without `help` the sections have
/// only the words that are written there.
fn with_search(language: Language, help: bool, body: impl FnOnce(&dyn Fn(&str) -> Vec<String>)) {
    let script = include_str!("../theme/book.js");
    let index = fs::read_to_string(SITE.join(language.code()).join("searchindex.js")).expect("an index");
    let runtime = Runtime::new().expect("QuickJS");
    Context::full(&runtime).expect("a context").with(|context| {
        context.eval::<(), _>("var window = globalThis; window.search = {};").expect("a window");
        // What finds comes first in the script; all the rest needs a page, and fails at once.
        context.eval::<(), _>(script).expect_err("there is no page");
        context.eval::<(), _>(index).catch(&context).expect("an index");
        if !help {
            let forget =
                "for (const text of Object.values(window.search.index.documentStore.docs)) { text.also = ''; }";
            context.eval::<(), _>(forget).catch(&context).expect("an index without words");
        }
        let find = "(query) => window.search.find(query).map(({ section }) => section.url)";
        let find: Function<'_> = context.eval(find).catch(&context).expect("a search");
        body(&|query| find.call((query,)).catch(&context).unwrap_or_else(|error| panic!("{query}: {error}")));
    });
}

/// It is built once, which takes longer than all searches.
static SITE: LazyLock<PathBuf> = LazyLock::new(|| {
    let there = Path::new(env!("CARGO_TARGET_TMPDIR")).join("site");
    site::build(&Sources::of_program(), &there).expect("a site");
    there
});

#[test]
fn each_query_finds_its_page_among_the_first_three() {
    let mut missed = Vec::new();
    for (language, queries, help) in
        Language::ALL.into_iter().flat_map(|language| [(language, QUERIES, true), (language, WITHOUT_HELP, false)])
    {
        with_search(language, help, |find| {
            for (query, _, page) in queries.iter().filter(|(_, code, _)| *code == language.code()) {
                let found = find(query);
                let is_it = |url: &String| match page.split_once('#') {
                    Some((page, id)) => *url == format!("{page}.html#{id}"),
                    None => url.starts_with(&format!("{page}.html")),
                };
                if !found.iter().take(3).any(is_it) {
                    let place = found.iter().position(is_it);
                    missed
                        .push(format!("{query}: {page} is at {place:?}, before it {:?}", &found[..found.len().min(4)]));
                }
            }
        });
    }
    let all = QUERIES.len() + WITHOUT_HELP.len();
    assert!(missed.is_empty(), "{} of {all}:\n{}", missed.len(), missed.join("\n"));
}

/// Otherwise the queries would find what was written down for them.
#[test]
fn the_words_for_a_section_repeat_no_query() {
    let words: toml::Table =
        toml::from_str(&Sources::of_program().read("book/search.toml").expect("words")).expect("TOML");
    let sections = words["section"].as_array().expect("sections");
    for (query, code, _) in QUERIES {
        let of_query: Vec<_> = query.split_whitespace().map(str::to_lowercase).collect();
        for section in sections {
            let phrases = section["words"][*code].as_str().expect("words").split(',').map(str::to_lowercase);
            for phrase in phrases.filter(|_| of_query.len() > 1) {
                let is_there = of_query.iter().all(|word| phrase.contains(word.as_str()));
                assert!(!is_there, "{}: {phrase:?} is the query {query:?}", section["at"]);
            }
        }
    }
}

#[test]
fn a_short_word_is_no_part_of_another_one_and_a_slip_is_forgiven() {
    with_search(Language::English, true, |find| {
        let index = fs::read_to_string(SITE.join("en/searchindex.js")).expect("an index");
        // Many sections have "room"; few have "OOM".
        assert!(index.matches("room").count() > 20);
        assert!(find("oom").len() < 10, "{:?}", find("oom"));
        for (right, wrong) in
            [("barrier", "barier"), ("overlayfs", "overlaysf"), ("mmap", "mmpa"), ("inotify", "inotifi")]
        {
            assert_eq!(find(right)[0], find(wrong)[0], "{wrong}");
        }
        // One word is nowhere: what has the other one is found.
        assert!(find("futex").contains(&find("futex qqxyzzy")[0]));
        assert!(find("qqxyzzy").is_empty());
        assert_eq!(find("copy-on-write"), find("copy on write"));
        // Neither tests nor the files of listings are in it.
        assert!(!index.contains("--test lesson_"), "a test is in the index");
        assert!(!index.contains("lessons/2_mmap_munmap/lesson.rs"), "the path of a listing is in the index");
    });
}
