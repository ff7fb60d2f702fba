//! The FUSE server: files behave as they do anywhere, but for what its switches say.

mod common;

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, symlink};

use common::{asked_for, stages};
use laboratory::Kind;
use laboratory::facts::Fact;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};

#[test]
fn files_are_written_and_renamed_and_go_with_their_last_name() {
    let kinds = [Kind::Ext4, Kind::Fuse, Kind::FuseDirect];
    if !asked_for(&kinds) {
        return;
    }
    for stage in stages(&kinds) {
        let (kind, at) = (stage.kind, |name: &str| stage.path.join(name));
        let bytes: Vec<u8> = (0..251).cycle().take(300_000).collect();
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(0o640);
        let mut file = options.open(at("file")).expect("a new file");
        file.write_all(&bytes).expect("room");
        assert!(options.open(at("file")).is_err_and(|error| error.kind() == std::io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read(at("file")).expect("the file"), bytes, "{kind:?}");
        assert_eq!(file.metadata().expect("attributes").mode(), 0o100_640);

        // A hole, of no whole blocks, and one over the end.
        let (keep, punch) = (FallocateFlags::FALLOC_FL_KEEP_SIZE, FallocateFlags::FALLOC_FL_PUNCH_HOLE);
        fallocate(&file, keep | punch, 5000, 100_000).expect("holes");
        file.set_len(200_001).expect("shorter");
        file.set_len(250_000).expect("longer");
        let mut expected = bytes[..200_001].to_vec();
        expected[5000..105_000].fill(0);
        expected.resize(250_000, 0);
        file.seek(SeekFrom::Start(0)).expect("the start");
        let mut found = Vec::new();
        file.read_to_end(&mut found).expect("the bytes");
        assert!(found == expected, "{kind:?}");

        fs::create_dir(at("directory")).expect("a directory");
        symlink("directory/moved", at("link")).expect("a symbolic link");
        fs::rename(at("file"), at("directory/moved")).expect("another name");
        assert!(fs::read(at("link")).expect("the file") == expected);
        assert!(fs::remove_dir(at("directory")).is_err_and(|e| e.raw_os_error() == Some(Errno::ENOTEMPTY as i32)));
        fs::write(at("other"), "other").expect("another file");
        fs::rename(at("other"), at("directory/moved")).expect("in its place");
        assert_eq!(fs::read(at("link")).expect("the file"), b"other");
        // Without a name it is still there.
        assert_eq!(file.metadata().expect("attributes").nlink(), 0);
        let mut byte = [0];
        file.read_exact_at(&mut byte, 4999).expect("the bytes");
        assert_eq!(byte[0], expected[4999]);
        let names = fs::read_dir(&stage.path).expect("a directory");
        let mut names: Vec<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
        names.retain(|name| *name != "lost+found");
        names.sort();
        assert_eq!(names, ["before-1", "before-2", "directory", "link"], "{kind:?}");
    }
}

#[test]
fn the_switches_do_what_they_say() {
    let kinds = [Kind::Fuse, Kind::FuseDirect];
    if !asked_for(&kinds) {
        return;
    }
    for mut stage in stages(&kinds) {
        let expected = match stage.kind {
            Kind::Fuse => {
                [("shared", "mapped"), ("second-name", "linked"), ("full", "once at msync"), ("cold-page", "SIGBUS")]
            }
            _ => [("shared", "ENODEV"), ("second-name", "EPERM"), ("full", "no mapping"), ("cold-page", "SIGBUS")],
        };
        for (name, outcome) in expected {
            let fact = Fact::named(name).expect("a fact of this name");
            assert_eq!(fact.on(&mut stage).expect("an outcome").name, outcome, "{name}, {}", stage.kind.name());
        }
    }
}
