//! What providers and clients choose for the transport: compressed bodies, and URLs. The first byte says which.
#![no_main]

use std::{io::Write, net::IpAddr};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
use http::Uri;
use libfuzzer_sys::fuzz_target;
use llmux_http::{
    UrlPolicy,
    fuzzing::{decode, permits},
};

/// Most that 1 KiB of deflate can hold, in bytes; a piece of output is never larger.
const LARGEST: usize = 1_100 << 10;

fuzz_target!(|data: &[u8]| {
    let [kind, rest @ ..] = data else { return };
    match kind % 3 {
        0 => url(rest),
        coding => body(coding == 1, rest),
    }
});

fn body(gzip: bool, data: &[u8]) {
    // Whatever a provider sends is decoded or refused, a bounded piece at a time, and never depends on its packets.
    let whole = decode(gzip, vec![Bytes::copy_from_slice(data)]);
    let pieces = decode(gzip, data.chunks(7).map(Bytes::copy_from_slice).collect());
    assert_eq!(whole.is_ok(), pieces.is_ok());
    if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
        assert!(whole.iter().all(|piece| piece.len() <= LARGEST), "a piece is too large");
        assert_eq!(whole.concat(), pieces.concat());
    }
    let coded = encode(gzip, data);
    let decoded = decode(gzip, coded.chunks(5).map(Bytes::copy_from_slice).collect());
    assert_eq!(decoded.expect("what was encoded is decoded").concat(), data);
    if let Some(cut) = coded.get(..coded.len() - 1) {
        assert!(decode(gzip, vec![Bytes::copy_from_slice(cut)]).is_err(), "a body that was cut is no whole one");
    }
}

fn encode(gzip: bool, data: &[u8]) -> Vec<u8> {
    let written = if gzip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).and_then(|()| encoder.finish())
    } else {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).and_then(|()| encoder.finish())
    };
    written.expect("memory can be written")
}

fn url(data: &[u8]) {
    let Ok(uri) = Uri::try_from(data) else { return };
    let (trusted, public) = (permits(UrlPolicy::Trusted, &uri), permits(UrlPolicy::PublicOnly, &uri));
    assert!(trusted || !public, "what strangers may call, the operator may");
    if !public {
        return;
    }
    let host = uri.host().expect("a URL that may be called has a host");
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let Ok(address) = address.map(|address| address.to_canonical()) else { return };
    let local = match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    };
    assert!(!local && !address.is_loopback() && !address.is_unspecified() && !address.is_multicast());
}
