//! What changes the machine, or what is known for faults of the kernel's: clocks, priorities, programs for the kernel.
//! unsolved

use std::fs::File;
use std::io;

use nix::libc;

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    let (mut time, mut zeros) = (libc::timespec { tv_sec: 0, tv_nsec: 0 }, [0_u32; 64]);
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: what the calls read and write lives until they return, and has room enough.
    let done = unsafe {
        libc::clock_gettime(libc::CLOCK_REALTIME, &mut time);
        let zeros = zeros.as_mut_ptr();
        [
            ("clock_settime", i64::from(libc::clock_settime(libc::CLOCK_REALTIME, &time))),
            ("setpriority", libc::setpriority(libc::PRIO_PROCESS, 0, -1).into()),
            ("sched_setscheduler", libc::sched_setscheduler(0, libc::SCHED_FIFO, &priority).into()),
            ("sethostname", libc::sethostname(c"x".as_ptr(), 1).into()),
            ("syslog", libc::klogctl(3, zeros.cast(), 64).into()),
            ("io_uring_setup", libc::syscall(libc::SYS_io_uring_setup, 4, zeros)),
            ("userfaultfd", libc::syscall(libc::SYS_userfaultfd, 1)),
            ("bpf", libc::syscall(libc::SYS_bpf, 0, zeros, 64)),
            ("perf_event_open", libc::syscall(libc::SYS_perf_event_open, zeros, 0, -1, -1, 0)),
            ("add_key", libc::syscall(libc::SYS_add_key, c"user".as_ptr(), c"a".as_ptr(), c"b".as_ptr(), 1, -4)),
        ]
    };
    for (call, _) in done.iter().filter(|(_, answer)| *answer >= 0) {
        println!("SUCCEEDED: {call}(2)");
    }
    Ok(None)
}
