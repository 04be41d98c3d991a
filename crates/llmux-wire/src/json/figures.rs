//! Reading the whole numbers of an object without a tree: what answers say that they consumed.

use super::scan::Scan;

/// The value of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Whole(u64),
    Null,
    /// An object; its members follow.
    Object,
    Other,
}

/// Tells `take` of each member of the object that `json` is, and of each member of the objects in it: the name of the
/// object it stands in, empty for the outer one, its own name, and its value. Deeper ones are passed over.
///
/// `None` as soon as `take` says so, if a name is written with escapes, or if it is not plainly an object.
pub(crate) fn figures(json: &[u8], mut take: impl FnMut(&[u8], &[u8], Figure) -> Option<()>) -> Option<()> {
    let mut scan = Scan { bytes: json, at: 0 };
    members(&mut scan, &mut |scan, name| {
        if scan.peek()? != b'{' {
            let figure = figure(scan)?;
            return take(b"", name, figure);
        }
        take(b"", name, Figure::Object)?;
        members(scan, &mut |scan, inner| take(name, inner, figure(scan)?))
    })?;
    scan.white();
    (scan.at == json.len()).then_some(())
}

/// Goes through an object and calls `each` where a value begins.
fn members<'a>(
    scan: &mut Scan<'a>,
    each: &mut dyn FnMut(&mut Scan<'a>, &'a [u8]) -> Option<()>,
) -> Option<()> {
    scan.white();
    scan.expect(b'{')?;
    scan.white();
    if scan.peek()? == b'}' {
        return scan.expect(b'}');
    }
    loop {
        scan.white();
        let from = scan.at + 1;
        scan.string()?;
        let name = scan.bytes.get(from..scan.at - 1)?;
        if memchr::memchr(b'\\', name).is_some() {
            return None;
        }
        scan.white();
        scan.expect(b':')?;
        scan.white();
        each(scan, name)?;
        scan.white();
        match scan.next()? {
            b',' => {}
            b'}' => return Some(()),
            _ => return None,
        }
    }
}

/// The value that begins here.
fn figure(scan: &mut Scan<'_>) -> Option<Figure> {
    let from = scan.at;
    let mut whole = Some(0_u64);
    while let Some(digit) = scan.peek().and_then(|byte| byte.checked_sub(b'0')).filter(|digit| *digit <= 9) {
        whole = whole.and_then(|so_far| so_far.checked_mul(10)?.checked_add(u64::from(digit)));
        scan.at += 1;
    }
    let ends = matches!(scan.peek(), Some(b',' | b'}' | b' ' | b'\n' | b'\r' | b'\t'));
    let starts_right = scan.bytes.get(from) != Some(&b'0') || scan.at == from + 1;
    if let Some(whole) = whole.filter(|_| scan.at > from && ends && starts_right) {
        return Some(Figure::Whole(whole));
    }
    scan.at = from;
    scan.value()?;
    Some(if scan.bytes.get(from..scan.at)? == b"null" { Figure::Null } else { Figure::Other })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = Vec<(String, String, Figure)>;

    fn read(json: &str) -> Option<Seen> {
        let mut seen = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        figures(json.as_bytes(), |object, name, figure| {
            seen.push((text(object), text(name), figure));
            Some(())
        })?;
        Some(seen)
    }

    #[test]
    fn figures_are_told_with_the_object_they_stand_in() {
        let seen = read(r#" {"a": 12, "b": {"c":0,"d":null, "e":{"f":1}}, "g":1.5,"h":"7"} "#).unwrap();
        let seen: Vec<_> = seen.iter().map(|(object, name, figure)| (&**object, &**name, *figure)).collect();
        let expected = [
            ("", "a", Figure::Whole(12)),
            ("", "b", Figure::Object),
            ("b", "c", Figure::Whole(0)),
            ("b", "d", Figure::Null),
            ("b", "e", Figure::Other),
            ("", "g", Figure::Other),
            ("", "h", Figure::Other),
        ];
        assert_eq!(seen, expected);
        assert_eq!(read("{}"), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_plain_object_is_left_to_a_parser() {
        for json in ["", "[1]", "{\"a\":1", "{\"a\":01}", "{\"a\":1}}", r#"{"\u0061":1}"#, "{\"a\" 1}"] {
            assert_eq!(read(json), None, "{json}");
        }
        let large = format!(r#"{{"a":{}0}}"#, u64::MAX);
        assert_eq!(read(&large).unwrap()[0].2, Figure::Other);
    }
}
