//! Compressed logs are recognised by content, not by name: whole, cut off, damaged, and in formats that are not read.

use super::{LINE, NOW, REJECT, documents, run, workspace};
use crate::common::{Ran, Workspace};
use std::{io::Write, process::Stdio};

fn text() -> String {
    format!("{LINE}{REJECT}").repeat(2_000)
}

/// The text as each packer compresses it.
fn packed(text: &[u8]) -> [(&'static str, Vec<u8>); 4] {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).expect("memory");
    // With a checksum at the end, as the command writes it.
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).expect("memory");
    zstd.include_checksum(true).expect("it can");
    zstd.write_all(text).expect("memory");
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(text).expect("memory");
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(text).expect("memory");
    [
        ("gzip", gzip.finish().expect("memory")),
        ("zstd", zstd.finish().expect("memory")),
        ("bzip2", bzip2.finish().expect("memory")),
        ("xz", xz.finish().expect("memory")),
    ]
}

fn backfill_of_standard_input(workspace: &Workspace, bytes: &[u8]) -> Ran {
    let mut command = workspace.command(["--config", "mailstitch.toml", "--now", NOW, "backfill", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    // The program need not read all of an input that is not a log.
    _ = child.stdin.take().expect("its input").write_all(bytes);
    child.wait_with_output().expect("its end").into()
}

#[test]
fn a_packed_log_is_read_whatever_its_name() {
    for (packer, bytes) in packed(text().as_bytes()) {
        let workspace = workspace("");
        workspace.write("old", &bytes);
        let ran = run(&workspace, &["backfill", "old"]);
        assert_eq!((ran.code, documents(&workspace)), (0, 2), "{packer}: {}", ran.stderr);
        let ran = backfill_of_standard_input(&workspace, &bytes);
        assert!(ran.code == 0 && ran.stderr.contains("4000 lines read"), "{packer}: {}", ran.stderr);
    }
}

#[test]
fn a_named_log_that_is_cut_off_or_damaged_is_66_by_every_command() {
    for (packer, bytes) in packed(text().as_bytes()) {
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x10;
        let (half, stub) = (bytes[..middle].to_vec(), bytes[..12].to_vec());
        for (how, spoilt) in [
            ("half", half),
            ("its head", stub),
            ("all but a byte", bytes[..bytes.len() - 1].to_vec()),
            ("damaged", damaged),
        ] {
            let workspace = workspace("");
            workspace.write("old", &spoilt);
            for arguments in [&["backfill", "--dry-run", "old"][..], &["backfill", "old"], &["coverage", "old"]] {
                let ran = run(&workspace, arguments);
                assert_eq!(ran.code, 66, "{how} of {packer}, {arguments:?}: {}", ran.stderr);
                assert!(ran.stderr.contains("`old` cannot be unpacked"), "{how} of {packer}: {}", ran.stderr);
            }
            let ran = backfill_of_standard_input(&workspace, &spoilt);
            assert_eq!(ran.code, 66, "{how} of {packer} as standard input: {}", ran.stderr);
        }
    }
}

#[test]
fn one_spoilt_log_costs_no_other() {
    let workspace = workspace("");
    let [(_, gzip), ..] = packed(text().as_bytes());
    workspace.write("cut", &gzip[..gzip.len() - 4]);
    workspace.write("whole", REJECT.replace("2639", "2640"));
    let ran = run(&workspace, &["backfill", "cut", "whole"]);
    assert_eq!((ran.code, documents(&workspace)), (66, 3), "{}", ran.stderr);
}

#[test]
fn what_is_packed_by_something_else_is_66() {
    for (packer, head) in
        [("zip", &b"PK\x03\x04...."[..]), ("lz4", b"\x04\x22\x4d\x18...."), ("7-Zip", b"7z\xbc\xaf\x27\x1c..")]
    {
        let workspace = workspace("");
        workspace.write("old", head);
        let ran = run(&workspace, &["backfill", "old"]);
        let told = format!("skipped `old`: it is packed by {packer}, which is not read");
        assert!(ran.code == 66 && ran.stderr.contains(&told), "{}", ran.stderr);
        let ran = backfill_of_standard_input(&workspace, head);
        assert_eq!((ran.code, &*ran.stderr), (66, &*format!("error: cannot read `-`: packed by {packer}\n")));
    }
}
