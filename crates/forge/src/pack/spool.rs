//! Contents that do not fit into memory as they are wanted: compressed entries of a pack, files of an archive.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Bytes that stay in memory; what comes after them goes to a file.
const MEMORY_BYTES: usize = 8 << 20;

/// An append-only row of bytes, the first of them in memory, the rest in a file that has no name.
pub(crate) struct Spool {
    folder: PathBuf,
    memory: Vec<u8>,
    file: Option<File>,
    file_bytes: u64,
}

impl Spool {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            memory: Vec::new(),
            file: None,
            file_bytes: 0,
        }
    }

    /// Appends `bytes` and tells where they are.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        if self.file.is_none() && self.memory.len() + bytes.len() <= MEMORY_BYTES {
            let at = self.memory.len() as u64;
            self.memory.extend_from_slice(bytes);
            return Ok(at);
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile_in(&self.folder)?),
        };
        file.write_all_at(bytes, self.file_bytes)?;
        let at = self.memory.len() as u64 + self.file_bytes;
        self.file_bytes += bytes.len() as u64;
        Ok(at)
    }

    /// The `length` bytes at `at`, which were appended together.
    pub(crate) fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let split = self.memory.len() as u64;
        let mut bytes = vec![0; length];
        if let (Some(file), Some(at)) = (&self.file, at.checked_sub(split)) {
            file.read_exact_at(&mut bytes, at)?;
            return Ok(bytes);
        }
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let stored = at.checked_add(length).and_then(|end| self.memory.get(at..end));
        bytes.copy_from_slice(stored.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_memory_and_in_the_file_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path().to_owned());
        let pieces: Vec<Vec<u8>> = (0_u8..30).map(|n| vec![n; 1_000_000 + usize::from(n)]).collect();
        let places: Vec<u64> = pieces.iter().map(|piece| spool.append(piece).unwrap()).collect();
        assert!(spool.file_bytes > 0 && !spool.memory.is_empty());
        for (piece, at) in pieces.iter().zip(places).rev() {
            assert_eq!(spool.read(at, piece.len()).unwrap(), *piece);
        }
        assert!(spool.read(1 << 40, 1).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
