//! What providers may see of the process that they run in.

use std::{fmt, io, path::Path, sync::Arc};

/// Looks up environment variables and reads files for providers. Only binaries read the process environment, so
/// this is given to the library; by default there are neither variables nor files.
#[derive(Clone)]
pub struct Environment {
    variables: Lookup,
    files: Reader,
}

type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;
type Reader = Arc<dyn Fn(&Path) -> io::Result<Vec<u8>> + Send + Sync>;

impl Environment {
    /// Wraps a look-up of variables. There are no files until [`with_files`](Self::with_files) says otherwise.
    #[must_use]
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let none = |_: &Path| Err(io::Error::new(io::ErrorKind::NotFound, "providers may read no files"));
        Self { variables: Arc::new(lookup), files: Arc::new(none) }
    }

    /// Lets providers read files: credentials, and the tokens that a platform renews in them. `read` may block;
    /// the files are small and local.
    #[must_use]
    pub fn with_files(mut self, read: impl Fn(&Path) -> io::Result<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.files = Arc::new(read);
        self
    }

    /// The first of these variables that is set and not blank.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| (self.variables)(name).filter(|value| !value.trim().is_empty()))
    }

    /// Reads a text file. A `~` at the beginning stands for the folder that `HOME` or `USERPROFILE` names.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read, or is no text.
    pub fn read(&self, path: &str) -> io::Result<String> {
        let home = path.strip_prefix('~').zip(self.first(&["HOME", "USERPROFILE"]));
        let path = home.map_or_else(|| path.to_owned(), |(rest, home)| format!("{home}{rest}"));
        let bytes = (self.files)(Path::new(&path))?;
        String::from_utf8(bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is no text"))
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_only_where_the_program_allows_it() {
        let environment = Environment::new(|name| (name == "HOME").then(|| "/home/me".to_owned()));
        assert_eq!(environment.read("/etc/x").unwrap_err().kind(), io::ErrorKind::NotFound);
        let environment = environment.with_files(|path| Ok(path.display().to_string().into_bytes()));
        assert_eq!(environment.read("~/.aws/config").unwrap(), "/home/me/.aws/config");
        assert_eq!(environment.read("/etc/x").unwrap(), "/etc/x");
    }
}
