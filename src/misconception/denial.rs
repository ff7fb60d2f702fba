//! Misconceptions as models: each denies one rule of the model.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::{self as m, Misconception};
use crate::model::{Model, Rule, Setting};
use crate::scenario::{Outcome, Scenario};

/// A rule that is denied, and the misconception of those who deny it.
#[derive(Debug)]
pub struct Denial {
    /// The rule.
    pub rule: Rule,
    /// What is believed in its place.
    pub misconception: &'static Misconception,
    /// The lesson that corrects it.
    pub lesson: u8,
    /// What to read: the heading of a chapter, with the chapter's lesson.
    pub heading: (u8, &'static str),
    /// A shortest scenario whose last line the misconception gets wrong, with what the kernel gives there.
    shown_wrong_by: &'static str,
}

impl Denial {
    /// The scenario that shows the misconception wrong in its last line: none is shorter.
    pub fn shown_wrong_by(&self) -> Scenario {
        Scenario::parse(self.shown_wrong_by).unwrap_or_default()
    }

    /// What a person with this misconception predicts for the last line of a scenario.
    pub fn prediction(&self, scenario: &Scenario, setting: &Setting) -> Option<Outcome> {
        last_outcome(Model::on(setting).without(self.rule), scenario)
    }

    /// The denial that makes the misconception of this slug.
    pub fn of_slug(slug: &str) -> Option<&'static Denial> {
        DENIALS.iter().find(|denial| denial.misconception.slug == slug)
    }
}

/// What one might predict for the last line of a scenario, sorted: what the model gives, and what each misconception
/// expects in its place, with those that expect it. Nothing where the model leaves it open without a power cut, or all expect the
/// same.
pub fn options(scenario: &Scenario, setting: &Setting) -> Vec<(Outcome, Vec<&'static Denial>)> {
    let is_plain = |outcome: &Outcome| !outcome.is_open() && *outcome != Outcome::NotApplicable;
    // After a power cut it is the answer that a line may give the one or the other.
    let is_known = |outcome: &Outcome| is_plain(outcome) || scenario.is_for_the_model() && outcome.is_open();
    let Some(truth) = last_outcome(Model::on(setting), scenario).filter(is_known) else { return Vec::new() };
    let mut options: Vec<(Outcome, Vec<&'static Denial>)> = vec![(truth, Vec::new())];
    for denial in DENIALS {
        let Some(prediction) = denial.prediction(scenario, setting).filter(is_plain) else { continue };
        match options.iter().position(|(option, _)| *option == prediction) {
            Some(0) => {}
            Some(place) => options[place].1.push(denial),
            None => options.push((prediction, vec![denial])),
        }
    }
    if options.len() == 1 {
        return Vec::new();
    }
    options.sort_by_cached_key(|(option, _)| option.to_string());
    options
}

/// What a model gives for the last line of a scenario.
pub fn last_outcome(mut model: Model, scenario: &Scenario) -> Option<Outcome> {
    scenario.0.iter().map(|line| model.step(line.process, &line.operation).0).last()
}

/// Makes the denials from their table: the lesson, the rule, the misconception, the name of its scenario in
/// `shown/`, and the heading of the chapter to read.
macro_rules! denials {
    ($($lesson:literal $rule:ident $misconception:ident $file:literal, read $chapter:literal $heading:literal;)*) => {
        /// All of them, in the order of the lessons.
        pub const DENIALS: &[Denial] = &[$(Denial {
            rule: Rule::$rule,
            misconception: &m::$misconception,
            lesson: $lesson,
            heading: ($chapter, $heading),
            shown_wrong_by: include_str!(concat!("shown/", $file, ".scenario")),
        }),*];
    };
}

denials! {
    2 RenameReplacesTheName A_MAPPING_FOLLOWS_ITS_NAME "a-mapping-follows-its-name", read 1 "replace";
    2 TruncatingOpenKeepsTheFile TRUNC_MAKES_A_NEW_FILE "trunc-makes-a-new-file", read 1 "through_memory";
    2 MappingsShowTheFile READ_IS_AS_GOOD "read-is-as-good", read 2 "idea";
    2 OffsetsArePageAligned ANY_OFFSET "any-offset", read 2 "window";
    2 MappingIgnoresTheFileSize A_MAPPING_MUST_FIT "a-mapping-must-fit", read 2 "window";
    2 MappingsOutliveDescriptors CLOSE_UNMAPS "close-unmaps", read 2 "lifetime";
    2 MappingNeedsReadAccess STORING_NEEDS_NO_READING "storing-needs-no-reading", read 2 "protection";
    2 SharedWritingNeedsWriteAccess WRITING_IS_FREE "writing-is-free", read 2 "protection";
    2 ProtectIsLimited MPROTECT_ALLOWS_ANYTHING "mprotect-allows-anything", read 2 "protection";
    2 UnmapRemovesTheGivenPages UNMAP_TAKES_THE_MAPPING "unmap-takes-the-mapping", read 2 "mapping";
    2 UnmapLeavesTheCache UNMAPPING_EMPTIES_THE_CACHE "unmapping-empties-the-cache", read 2 "lifetime";
    2 MovingUnmapsTheOldPlace THE_OLD_ADDRESS_STAYS "the-old-address-stays", read 2 "lifetime";
    2 FixedReplaces FIXED_FINDS_ROOM "fixed-finds-room", read 2 "fixed";
    2 StoresMarkMtime A_STORE_LEAVES_NO_TIME "a-store-leaves-no-time", read 2 "differs";
    2 StoresDoNotExtendTheFile REST_IS_FILE "rest-is-file", read 2 "wrong";
    3 PrivateStoresStayPrivate PRIVATE_REACHES_THE_FILE "private-reaches-the-file", read 3 "idea";
    3 PrivateWritingNeedsNoWriteAccess PRIVATE_NEEDS_WRITE_ACCESS "private-needs-write-access", read 3 "read_only";
    3 MappingCopiesNothing MAPPING_TAKES_A_SNAPSHOT "mapping-takes-a-snapshot", read 3 "snapshot";
    3 LoadingCopiesNothing LOADING_COPIES "loading-copies", read 3 "copy_on_write";
    3 StoringCopiesThePage ONLY_THE_BYTE_IS_COPIED "only-the-byte-is-copied", read 3 "idea";
    3 UnmapDiscardsCopies UNMAPPING_SAVES "unmapping-saves", read 3 "idea";
    3 SyncIgnoresCopies MSYNC_WRITES_COPIES "msync-writes-copies", read 3 "memmap2";
    3 SyncChangesNothingVisible MSYNC_REFRESHES "msync-refreshes", read 3 "memmap2";
    3 DontneedDropsCopies DONTNEED_IS_A_HINT "dontneed-is-a-hint", read 3 "pagemap";
    3 LockingTouchesEachPage LOCKING_CHANGES_NOTHING "locking-changes-nothing", read 3 "snapshot";
    4 SharedStoresChangeTheFile A_STORE_WAITS_FOR_MSYNC "a-store-waits-for-msync", read 4 "idea";
    4 StoresOutliveTheirProcess STORES_DIE_WITH_THEIR_PROCESS "stores-die-with-their-process", read 2 "lifetime";
    4 ForkSharesSharedMappings FORK_COPIES_EVERYTHING "fork-copies-everything", read 4 "idea";
    4 ForkSeparatesPrivateMappings FORK_SHARES_MEMORY "fork-shares-memory", read 4 "idea";
    5 UnlinkRemovesTheName UNLINK_TAKES_THE_BYTES "unlink-takes-the-bytes", read 5 "idea";
    5 DontneedKeepsTheFile DONTNEED_FREES_THE_FILE "dontneed-frees-the-file", read 5 "holes";
    5 ReservingExtendsTheFile RESERVING_KEEPS_THE_LENGTH "reserving-keeps-the-length", read 5 "holes";
    5 RemapChangesNoFile REMAPPING_LENGTHENS_THE_FILE "remapping-lengthens-the-file", read 5 "growing";
    5 EachSealForbidsOneThing ANY_SEAL_WILL_DO "any-seal-will-do", read 5 "seals";
    5 FutureWriteKeepsMappings FUTURE_WRITE_IS_WRITE "future-write-is-write", read 5 "seals";
    6 NoPagePastTheEnd MAPPED_IS_THERE "mapped-is-there", read 6 "size";
    6 LastPageIsWhole BUS_ERROR_AFTER_THE_LAST_BYTE "bus-error-after-the-last-byte", read 6 "last_page";
    6 WholePagesAreMapped MAPPING_ENDS_AT_ITS_LENGTH "mapping-ends-at-its-length", read 6 "rule";
    6 TruncationRemovesPages SIZE_COUNTS_WHEN_MAPPED "size-counts-when-mapped", read 6 "size";
    6 TruncationRemovesCopies A_COPY_IS_SAFE "a-copy-is-safe", read 6 "size";
    6 GrowingAddsPages THE_SIZE_WHEN_MAPPED_IS_THE_LIMIT "the-size-when-mapped-is-the-limit", read 6 "rule";
    8 UnmappingPromisesNothing MUNMAP_SAVES "munmap-saves", read 8 "promises";
    8 ClosingPromisesNothing CLOSE_SAVES "close-saves", read 8 "promises";
    8 AsyncPromisesNothing ASYNC_WRITES "async-writes", read 8 "promises";
    8 UnsyncedMayBeThere MSYNC_LEAVES_THE_OTHERS "msync-leaves-the-others", read 8 "states";
    8 StoresArriveInAnyOrder STORES_ARRIVE_IN_ORDER "stores-arrive-in-order", read 8 "states";
    8 ErrorsAreToldOnce THE_ERROR_STAYS "the-error-stays", read 8 "errors";
    8 FsyncOfAFileWritesNoName FSYNC_KEEPS_THE_NAME "fsync-keeps-the-name", read 8 "ways";
}
