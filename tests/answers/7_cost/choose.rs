//! Answers to `choose`, right and wrong.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::lesson_7::{advise, time_of};
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::sys::mman::{MmapAdvise, ProtFlags};

use crate::solution::Choice;

fn size_of(file: &File, rounds: usize) -> io::Result<usize> {
    match file.metadata()?.len() as usize {
        size if size > 0 && rounds > 0 => Ok(size),
        _ => Err(Errno::EINVAL.into()),
    }
}

fn mapped(file: &File) -> io::Result<Mapping> {
    Ok(Mapping::of_file(file, 0, file.metadata()?.len() as usize, ProtFlags::PROT_READ, Sharing::Shared)?)
}

fn sum_of(mapping: &Mapping) -> u64 {
    (0..mapping.length()).map(|at| u64::from(mapping.load(at))).sum()
}

fn by_mapping(file: &File) -> io::Result<u64> {
    Ok(sum_of(&mapped(file)?))
}

fn by_read(file: &File) -> io::Result<u64> {
    let mut bytes = vec![0; file.metadata()?.len() as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes.into_iter().map(u64::from).sum())
}

fn time(pass: impl Fn(&File) -> io::Result<u64>, file: &File) -> io::Result<Duration> {
    time_of(1, || pass(file).map(drop))
}

/// The right rounds, for any two functions that time a pass.
fn by_rounds(
    file: &File,
    rounds: usize,
    time_read: impl Fn(&File) -> io::Result<Duration>,
    time_mapped: impl Fn(&File) -> io::Result<Duration>,
) -> io::Result<Choice> {
    size_of(file, rounds)?;
    let (sum, mut read, mut mapped) = (by_read(file)?, Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 1 {
            mapped.push(time_mapped(file)?);
        }
        read.push(time_read(file)?);
        if round % 2 == 0 {
            mapped.push(time_mapped(file)?);
        }
    }
    let map = (0..rounds).all(|round| mapped[round] < read[round]);
    Ok(Choice { sum, read, mapped, map })
}

/// Maps whatever the times are.
///
/// fails: choose::the_times_decide failed mapping-is-faster
mod always_maps {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        Ok(Choice { map: true, ..crate::solution::choose(file, rounds)? })
    }
}

/// Reads whatever the times are.
///
/// fails: choose::the_times_decide failed
mod never_maps {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        Ok(Choice { map: false, ..crate::solution::choose(file, rounds)? })
    }
}

/// Chooses by the total of all rounds.
///
/// fails: choose::the_times_decide failed
mod by_the_total {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let choice = crate::solution::choose(file, rounds)?;
        let map = choice.mapped.iter().sum::<Duration>() < choice.read.iter().sum();
        Ok(Choice { map, ..choice })
    }
}

/// Chooses by the median.
///
/// fails: choose::the_times_decide failed
mod by_the_median {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let choice = crate::solution::choose(file, rounds)?;
        let [read, mapped] = [&choice.read, &choice.mapped].map(|times| {
            let mut times = times.clone();
            times.sort_unstable();
            times[times.len() / 2]
        });
        Ok(Choice { map: mapped < read, ..choice })
    }
}

/// Chooses the mapping if it wins one round.
///
/// fails: choose::the_times_decide failed
mod one_round_is_enough {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let choice = crate::solution::choose(file, rounds)?;
        let map = choice.mapped.iter().zip(&choice.read).any(|(mapped, read)| mapped < read);
        Ok(Choice { map, ..choice })
    }
}

/// Times the first pass, too, in place of one untimed.
///
/// fails: choose::the_ways_take_turns_in_going_first failed
mod no_pass_before {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        size_of(file, rounds)?;
        let (mut sum, mut read, mut mapped) = (0, Vec::new(), Vec::new());
        for round in 0..rounds {
            let read_pass = || {
                time_of(1, || {
                    sum = by_read(file)?;
                    Ok(())
                })
            };
            if round % 2 == 0 {
                read.push({ read_pass }()?);
                mapped.push(time(by_mapping, file)?);
            } else {
                mapped.push(time(by_mapping, file)?);
                read.push({ read_pass }()?);
            }
        }
        let map = (0..rounds).all(|round| mapped[round] < read[round]);
        Ok(Choice { sum, read, mapped, map })
    }
}

/// Reads first in each round.
///
/// fails: choose::the_ways_take_turns_in_going_first failed
mod reads_first {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        size_of(file, rounds)?;
        let (sum, mut read, mut mapped) = (by_read(file)?, Vec::new(), Vec::new());
        for _ in 0..rounds {
            read.push(time(by_read, file)?);
            mapped.push(time(by_mapping, file)?);
        }
        let map = (0..rounds).all(|round| mapped[round] < read[round]);
        Ok(Choice { sum, read, mapped, map })
    }
}

/// Does all rounds of one way, and then all of the other.
///
/// fails: choose::the_ways_take_turns_in_going_first failed
mod one_way_after_the_other {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        size_of(file, rounds)?;
        let sum = by_read(file)?;
        let read = (0..rounds).map(|_| time(by_read, file)).collect::<io::Result<Vec<_>>>()?;
        let mapped = (0..rounds).map(|_| time(by_mapping, file)).collect::<io::Result<Vec<_>>>()?;
        let map = (0..rounds).all(|round| mapped[round] < read[round]);
        Ok(Choice { sum, read, mapped, map })
    }
}

/// Measures one round, and says that the others took no time.
///
/// fails: choose::a_time_is_that_of_all_calls failed
/// fails: choose::the_ways_take_turns_in_going_first failed
mod measures_once {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        size_of(file, rounds)?;
        let Choice { sum, read, mapped, map } = crate::solution::choose(file, 1)?;
        let one = |time| (0..rounds).map(|round| if round == 0 { time } else { Duration::ZERO }).collect();
        Ok(Choice { sum, read: one(read[0]), mapped: one(mapped[0]), map: map && rounds == 1 })
    }
}

/// Maps the file once, for all rounds.
///
/// fails: choose::a_time_is_that_of_all_calls failed
/// fails: choose::the_ways_take_turns_in_going_first failed
mod maps_once {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        size_of(file, rounds)?;
        let mapping = mapped(file)?;
        by_rounds(file, rounds, |file| time(by_read, file), |_| time(|_| Ok(sum_of(&mapping)), file))
    }
}

/// Maps the file and looks at its first byte only.
///
/// fails: choose::a_mapping_is_gone_through failed
mod only_maps {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let pass = |file: &File| Ok(mapped(file)?.load(0).into());
        by_rounds(file, rounds, |file| time(by_read, file), |file| time(pass, file))
    }
}

/// Starts the clock when the file is mapped already.
///
/// fails: choose::a_time_is_that_of_all_calls failed
mod leaves_out_mmap {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        by_rounds(
            file,
            rounds,
            |file| time(by_read, file),
            |file| {
                let mapping = mapped(file)?;
                let began = Instant::now();
                std::hint::black_box(sum_of(&mapping));
                drop(mapping);
                Ok(began.elapsed())
            },
        )
    }
}

/// Stops the clock before the file is unmapped.
///
/// fails: choose::a_time_is_that_of_all_calls failed
mod leaves_out_munmap {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        by_rounds(
            file,
            rounds,
            |file| time(by_read, file),
            |file| {
                let began = Instant::now();
                let mapping = mapped(file)?;
                std::hint::black_box(sum_of(&mapping));
                Ok(began.elapsed())
            },
        )
    }
}

/// Starts the clock once, and never again.
///
/// fails: choose::a_time_is_that_of_all_calls failed
mod one_clock {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let began = Instant::now();
        let timed = |pass: fn(&File) -> io::Result<u64>| {
            move |file: &File| {
                std::hint::black_box(pass(file)?);
                Ok(began.elapsed())
            }
        };
        by_rounds(file, rounds, timed(by_read), timed(by_mapping))
    }
}

/// Maps page by page.
///
/// fails: choose::the_ways_take_turns_in_going_first failed
mod maps_page_by_page {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let pass = |file: &File| {
            let size = file.metadata()?.len();
            let mut sum = 0;
            for at in (0..size).step_by(page_size()) {
                let length = (size - at).min(page_size() as u64) as usize;
                sum += sum_of(&Mapping::of_file(file, at, length, ProtFlags::PROT_READ, Sharing::Shared)?);
            }
            Ok(sum)
        };
        by_rounds(file, rounds, |file| time(by_read, file), |file| time(pass, file))
    }
}

/// Reads from where the last pass has ended.
///
/// fails: choose::the_ways_take_turns_in_going_first failed
mod never_goes_back {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let pass = |mut file: &File| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes.into_iter().map(u64::from).sum())
        };
        by_rounds(file, rounds, |file| time(pass, file), |file| time(by_mapping, file))
    }
}

/// Has the sum of the bytes from the descriptor's position on.
///
/// fails: choose::adds_up_the_bytes_in_each_round failed
mod begins_anywhere {
    use super::*;

    pub fn choose(mut file: &File, rounds: usize) -> io::Result<Choice> {
        let at = file.stream_position()?;
        let mut choice = crate::solution::choose(file, rounds)?;
        if at > 0 {
            let mapping = mapped(file)?;
            choice.sum = (at as usize..mapping.length()).map(|at| u64::from(mapping.load(at))).sum();
        }
        Ok(choice)
    }
}

/// Takes the first time of each round for that of the read.
///
/// fails: choose::a_time_is_that_of_all_calls failed
mod mixes_up_the_times {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let mut choice = crate::solution::choose(file, rounds)?;
        for (read, mapped) in choice.read.iter_mut().zip(&mut choice.mapped).skip(1).step_by(2) {
            std::mem::swap(read, mapped);
        }
        choice.map = choice.mapped.iter().zip(&choice.read).all(|(mapped, read)| mapped < read);
        Ok(choice)
    }
}

/// Keeps a descriptor.
///
/// fails: choose::adds_up_the_bytes_in_each_round failed
mod keeps_a_descriptor {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        std::mem::forget(file.try_clone()?);
        crate::solution::choose(file, rounds)
    }
}

/// Adds up in 8 bits.
///
/// fails: choose::adds_up_the_bytes_in_each_round failed
mod adds_up_in_8_bits {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let choice = crate::solution::choose(file, rounds)?;
        Ok(Choice { sum: choice.sum % 256, ..choice })
    }
}

/// Has the time of the first pass, too.
///
/// fails: choose::adds_up_the_bytes_in_each_round failed
mod one_time_more {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let mut choice = crate::solution::choose(file, rounds)?;
        choice.read.insert(0, time(by_read, file)?);
        Ok(choice)
    }
}

/// Chooses the mapping because it has lost no round, when there was none.
///
/// fails: choose::there_is_something_to_measure failed
mod wins_no_round {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        if rounds == 0 {
            let sum = by_mapping(file)?;
            return Ok(Choice { sum, read: Vec::new(), mapped: Vec::new(), map: true });
        }
        crate::solution::choose(file, rounds)
    }
}

/// Reads a file that is opened anew for each pass, and goes through a mapping first.
///
/// passes
mod opens_it_anew {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        size_of(file, rounds)?;
        let pass = |file: &File| {
            let mut bytes = Vec::new();
            File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?.read_to_end(&mut bytes)?;
            Ok(bytes.into_iter().map(u64::from).sum())
        };
        let sum = by_mapping(file)?;
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            for n in [round % 2, 1 - round % 2] {
                times[n].push(if n == 0 { time(pass, file)? } else { time(by_mapping, file)? });
            }
        }
        let [read, mapped] = times;
        let map = !mapped.iter().zip(&read).any(|(mapped, read)| mapped >= read);
        Ok(Choice { sum, read, mapped, map })
    }
}

/// Pays for the pages of the mapping in advance, which is part of the time.
///
/// passes
mod populates_each {
    use super::*;

    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice> {
        let pass = |file: &File| {
            let mapping = mapped(file)?;
            let _ = advise(&mapping, MmapAdvise::MADV_POPULATE_READ);
            Ok(sum_of(&mapping))
        };
        by_rounds(file, rounds, |file| time(by_read, file), |file| time(pass, file))
    }
}

one_of! {
    pub fn choose(file: &File, rounds: usize) -> io::Result<Choice>;
    always_maps never_maps by_the_total by_the_median one_round_is_enough no_pass_before reads_first one_way_after_the_other
    measures_once maps_once only_maps leaves_out_mmap leaves_out_munmap one_clock maps_page_by_page never_goes_back
    begins_anywhere mixes_up_the_times keeps_a_descriptor
    adds_up_in_8_bits one_time_more wins_no_round opens_it_anew populates_each
}
