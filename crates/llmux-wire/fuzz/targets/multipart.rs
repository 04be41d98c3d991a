//! Forms, rewritten as they pass. The first byte says how large the pieces are that they come in.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llmux_core::{FormEdits, Frames};
use llmux_wire::multipart::{Boundary, Rewriter};

fn rewritten(form: &[u8], size: usize) -> Option<Vec<u8>> {
    let boundary = Boundary::of("multipart/form-data; boundary=edge").ok()??;
    let mut edits = FormEdits::default();
    edits.set.push(("model".into(), "up".into()));
    edits.drop.push("tags".into());
    let (mut frames, mut out) = (Frames::default(), Vec::new());
    let mut rewriter = Rewriter::new(&boundary, edits, &mut frames);
    let mut promised = u64::MAX;
    for piece in form.chunks(size) {
        rewriter.push(Bytes::copy_from_slice(piece), &mut frames).ok()?;
        let now = rewriter.length(form.len() as u64)?;
        assert!(now <= promised, "more is promised than before");
        promised = now;
    }
    rewriter.finish(Some(promised), &mut frames).ok()?;
    while let Some(frame) = frames.pop() {
        out.extend_from_slice(&frame);
    }
    assert_eq!(out.len() as u64, promised, "a promise is not kept");
    Some(out)
}

fuzz_target!(|data: &[u8]| {
    let [size, form @ ..] = data else { return };
    let whole = rewritten(form, form.len().max(1));
    assert_eq!(whole, rewritten(form, usize::from(*size).max(1)), "the form depends on how it is cut");
    if let Some(form) = whole {
        let again = rewritten(&form, form.len()).expect("what was written is a form");
        assert!(again.starts_with(b"--edge\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nup"));
    }
});
