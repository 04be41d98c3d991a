use bytes::Bytes;
use llmux_core::{FormEdits, Frames, Result};
use proptest::prelude::*;

use super::*;

const FORM: &str = "--edge\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n--edge\r\n\
    content-disposition: form-data; name=\"tags\"\r\n\r\nx\r\n--edge\r\n\
    Content-Disposition: form-data; name=\"file\"; filename=\"a;\\\"b\\\".wav\"\r\nContent-Type: audio/wav\r\n\r\n\
    RIFF\r\n--edg\r\n-\r\n\r\n--edge\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--edge--\r\n";

const NO_CONTENT: &str = "--edge\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--edge\r\nContent-Disposition: form-data; \
    name=\"model\"\r\n\r\nb\r\n--edge--\r\n";

fn boundary() -> Boundary {
    Boundary::of("multipart/form-data; boundary=edge").unwrap().unwrap()
}

fn edits() -> FormEdits {
    let mut edits = FormEdits::default();
    edits.set.push(("model".into(), "up".into()));
    edits.drop.push("tags".into());
    edits
}

fn rewritten(form: &[u8], edits: FormEdits, size: usize) -> Result<Vec<u8>> {
    let (mut frames, mut out) = (Frames::default(), Vec::new());
    let mut rewriter = Rewriter::new(&boundary(), edits, &mut frames);
    for piece in form.chunks(size.max(1)) {
        rewriter.push(Bytes::copy_from_slice(piece), &mut frames)?;
    }
    let promised = rewriter.length(form.len() as u64).unwrap();
    rewriter.finish(Some(promised), &mut frames)?;
    while let Some(frame) = frames.pop() {
        out.extend_from_slice(&frame);
    }
    assert_eq!(out.len() as u64, promised);
    Ok(out)
}

/// Fields by name, with their content, and whether they are files.
fn fields(form: &[u8], size: usize) -> Result<Vec<(String, bool, Vec<u8>)>> {
    let mut scanner = Scanner::new(&boundary());
    let mut found: Vec<(String, bool, Vec<u8>)> = Vec::new();
    for piece in form.chunks(size.max(1)) {
        scanner.push(Bytes::copy_from_slice(piece), |event| {
            match event {
                Event::Part { name, file, .. } => found.push((name, file, Vec::new())),
                Event::Data(data) => found.last_mut().unwrap().2.extend_from_slice(&data),
                Event::PartEnd | Event::End => {}
            }
            Ok(())
        })?;
    }
    Ok(found)
}

#[test]
fn the_boundary_is_read_from_the_content_type() {
    for kind in
        ["multipart/form-data; boundary=edge", "Multipart/Form-Data; charset=utf-8; Boundary=\"edge\""]
    {
        assert_eq!(Boundary::of(kind).unwrap(), Some(boundary()), "{kind}");
    }
    assert_eq!(Boundary::of("application/json").unwrap(), None);
    assert!(Boundary::of("multipart/form-data").is_err());
    assert!(Boundary::of(&format!("multipart/form-data; boundary={}", "x".repeat(71))).is_err());
}

#[test]
fn fields_are_found_however_the_bytes_are_split() {
    for size in 1..FORM.len() {
        let mut found = fields(FORM.as_bytes(), size).unwrap();
        // What follows the last boundary is told as data.
        assert_eq!(found.pop().unwrap(), ("empty".to_owned(), false, b"\r\n".to_vec()));
        let expected = [
            ("model", false, &b"whisper"[..]),
            ("tags", false, b"x"),
            ("file", true, b"RIFF\r\n--edg\r\n-\r\n"),
        ];
        let expected = expected.map(|(name, file, data)| (name.to_owned(), file, data.to_vec()));
        assert_eq!(found, expected, "pieces of {size}");
    }
}

#[test]
fn a_form_passes_byte_for_byte_but_for_what_changes() {
    let same = rewritten(FORM.as_bytes(), FormEdits::default(), 7).unwrap();
    assert_eq!(same, FORM.as_bytes());
    let changed = String::from_utf8(rewritten(FORM.as_bytes(), edits(), 7).unwrap()).unwrap();
    let tags = "--edge\r\ncontent-disposition: form-data; name=\"tags\"\r\n\r\nx\r\n";
    assert_eq!(changed, FORM.replace("whisper", "up").replace(tags, ""));
}

#[test]
fn a_promised_length_is_kept_when_more_is_left_out() {
    let mut frames = Frames::default();
    let mut rewriter = Rewriter::new(&boundary(), edits(), &mut frames);
    let promised = rewriter.length(FORM.len() as u64).unwrap();
    rewriter.push(Bytes::from_static(FORM.as_bytes()), &mut frames).unwrap();
    rewriter.finish(Some(promised), &mut frames).unwrap();
    let mut length = 0;
    while let Some(frame) = frames.pop() {
        length += frame.len() as u64;
    }
    assert_eq!(length, promised);
}

#[test]
fn what_is_no_form_is_refused() {
    let cut = FORM.get(..FORM.len() - 9).unwrap();
    for form in ["", "{}", cut, "--edge\r\nx: y\r\n\r\na\r\n--edge--", "--edgex\r\n", NO_CONTENT] {
        assert!(rewritten(form.as_bytes(), edits(), 3).is_err(), "{form}");
    }
    let endless = format!("--edge\r\nx: {}", "y".repeat(20 << 10));
    assert!(rewritten(endless.as_bytes(), edits(), 1 << 10).is_err());
}

proptest! {
    #[test]
    fn any_split_gives_the_same(data in proptest::collection::vec(any::<u8>(), 0..200), cut in 1_usize..64) {
        let mut form = b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n".to_vec();
        form.extend_from_slice(&data);
        form.extend_from_slice(b"\r\n--edge\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--edge--\r\n");
        let whole = rewritten(&form, edits(), form.len()).ok();
        let parts = rewritten(&form, edits(), cut).ok();
        prop_assert_eq!(&whole, &parts);
        if let Some(whole) = whole {
            let found = fields(&whole, cut).unwrap();
            prop_assert_eq!(&found.last().unwrap().0, "file");
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(data in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'e'), any::<u8>()], 0..300), cut in 1_usize..64) {
        let form = [b"--edge\r\n".as_slice(), &data].concat();
        prop_assert_eq!(rewritten(&form, edits(), form.len()).ok(), rewritten(&form, edits(), cut).ok());
    }
}

const TWO_FILES: &str = "--edge\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nx\r\n--edge\r\n\
    content-disposition:form-data;name=file;filename=a.wav\r\ncontent-type:audio/wav\r\n\r\nRIFF\r\n--edge\r\n\
    Content-Disposition: form-data; name=\"file\"; filename=\"b.wav\"\r\n\r\nlater\r\n--edge--\r\n";

#[test]
fn files_go_on_under_other_names_and_nothing_else_does() {
    const FILES: &[(&str, &str)] = &[("file", "media")];
    for size in [1, 7, TWO_FILES.len()] {
        let edits = FormEdits::files(FILES, vec![("options".into(), "{}".into())]);
        let form = rewritten(TWO_FILES.as_bytes(), edits, size).unwrap();
        let expected = [("options", false, "{}"), ("media", true, "RIFF")];
        let expected = expected.map(|(name, file, text)| (name.to_owned(), file, text.as_bytes().to_vec()));
        let mut found = fields(&form, form.len()).unwrap();
        // What makes up for the length follows the end.
        found.last_mut().unwrap().2.truncate(4);
        assert_eq!(found, expected);
        let text = String::from_utf8(form).unwrap();
        assert!(
            text.contains("name=\"media\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n")
        );
    }
}

#[test]
fn the_content_of_the_first_file_can_be_all_that_goes_on() {
    for size in [1, 7, TWO_FILES.len()] {
        let (mut frames, mut out) = (Frames::default(), Vec::new());
        let mut rewriter = Rewriter::new(&boundary(), FormEdits::content(), &mut frames);
        for piece in TWO_FILES.as_bytes().chunks(size) {
            rewriter.push(Bytes::copy_from_slice(piece), &mut frames).unwrap();
        }
        rewriter.finish(rewriter.length(9), &mut frames).unwrap();
        while let Some(frame) = frames.pop() {
            out.extend_from_slice(&frame);
        }
        assert_eq!((out.as_slice(), rewriter.file_type()), (&b"RIFF"[..], Some("audio/wav")));
    }
    let mut rewriter = Rewriter::new(&boundary(), FormEdits::content(), &mut Frames::default());
    rewriter.push(Bytes::from_static(NO_FILE.as_bytes()), &mut Frames::default()).unwrap();
    assert!(rewriter.finish(None, &mut Frames::default()).is_err());
}

const NO_FILE: &str = "--edge\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nb\r\n--edge--\r\n";
