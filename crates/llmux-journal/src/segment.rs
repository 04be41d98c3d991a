//! The files of a journal: their names, their heads, their order.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What a segment begins with; the last character is the version of the form.
const MAGIC: [u8; 8] = *b"LLMUXJ01";
/// Bytes before the first record: the magic and the salt.
pub(crate) const HEAD: u64 = 16;
const ENDING: &str = "journal";
/// What becomes of a segment in which something could not be read.
const DAMAGED: &str = "damaged";

/// How far the writer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The segment that is written; those before it do not change any more.
    pub(crate) segment: u64,
    /// Its bytes that are whole records; 0 as long as there is no file.
    pub(crate) length: u64,
}

/// Where a segment lies.
pub(crate) fn path(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id:020}.{ENDING}"))
}

/// The segments of a folder, the oldest first.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(ENDING)?.strip_suffix('.'));
        ids.extend(id.and_then(|id| id.parse::<u64>().ok()));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Makes the folder and reserves it for this process.
pub(crate) fn lock(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another process uses it")),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes a segment, with its head.
pub(crate) fn create(folder: &Path, id: u64, salt: u64) -> io::Result<File> {
    let mut file = OpenOptions::new().create_new(true).append(true).open(path(folder, id))?;
    let mut head = Vec::from(MAGIC);
    head.extend_from_slice(&salt.to_le_bytes());
    if let Err(error) = file.write_all(&head) {
        // Without a head it would count as damaged later.
        fs::remove_file(path(folder, id))?;
        return Err(error);
    }
    Ok(file)
}

/// The salt in the head of a segment; `None` if that is no head.
pub(crate) fn salt(head: &[u8]) -> Option<u64> {
    let (magic, salt) = head.split_first_chunk::<8>()?;
    (*magic == MAGIC).then(|| salt.first_chunk::<8>().map(|salt| u64::from_le_bytes(*salt)))?
}

/// Gets a segment out of the way that has been taken over.
pub(crate) fn finish(folder: &Path, id: u64, damaged: bool) -> io::Result<()> {
    let path = path(folder, id);
    if damaged { fs::rename(&path, path.with_extension(DAMAGED)) } else { fs::remove_file(path) }
}
