//! Writes the lines of an export.

use std::io::{self, Write};

use aws_lc_rs::digest;

use super::{
    super::records::Revision,
    Item, VERSION,
    line::{Counts, End, Header, Line, hex},
};
use crate::domain::time::UnixTime;

/// An export that has begun.
pub(super) struct Lines<W> {
    to: W,
    digest: digest::Context,
    counts: Counts,
}

impl<W: Write> Lines<W> {
    pub(super) fn begin(to: W, revision: Revision, now: UnixTime) -> io::Result<Self> {
        let mut lines = Self { to, digest: digest::Context::new(&digest::SHA256), counts: Counts::default() };
        let header =
            Header { version: VERSION, revision: revision.to_string(), exported_at: now.as_millis() };
        lines.line(&Line::CountersignExport(header))?;
        Ok(lines)
    }

    pub(super) fn put(&mut self, item: &Item) -> io::Result<()> {
        self.counts.count(item);
        self.line(&item.into())
    }

    /// Without this there is no export.
    pub(super) fn end(mut self) -> io::Result<Counts> {
        let sha256 = hex(self.digest.clone().finish().as_ref());
        let counts = self.counts;
        self.line(&Line::End(End { counts, sha256 }))?;
        self.to.flush()?;
        Ok(counts)
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.digest.update(&bytes);
        self.to.write_all(&bytes)
    }
}
