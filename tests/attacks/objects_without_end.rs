//! A constant of megabytes in each of many files that the compiler keeps: gigabytes of the disk, each file small enough.
//! does not compile: the compiler wrote more than 512 MiB

use std::fs::File;
use std::io;

const BYTES: &[u8] = &[1; 64 << 20];

macro_rules! each_in_a_file_of_its_own {
    ($($name:ident)*) => {
        $(mod $name {
            #[inline(never)]
            pub fn byte(at: usize) -> u8 {
                super::BYTES[at]
            }
        })*

        pub fn byte_at(_: &File, offset: u64) -> io::Result<Option<u8>> {
            let at = usize::try_from(offset).map_err(io::Error::other)?;
            Ok(Some(0 $(^ $name::byte(at))*))
        }
    };
}
each_in_a_file_of_its_own! {
    m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 m10 m11 m12 m13 m14 m15 m16 m17 m18 m19 m20 m21 m22 m23 m24 m25 m26
    m27 m28 m29 m30 m31 m32 m33 m34 m35 m36 m37 m38 m39 m40 m41 m42 m43 m44 m45 m46 m47 m48 m49 m50 m51
    m52 m53 m54 m55 m56 m57 m58 m59 m60 m61 m62 m63
}
