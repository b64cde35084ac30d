//! Access rights of what mailstitch writes: mail logs name people, so nothing is readable by everyone.
//!
//! Without a group, files are 0600 and directories 0700. With one, files are 0640 and directories 2750 (set-group-id,
//! so that SQLite's side files belong to the group too). Directories that exist already are left as the administrator
//! made them.

use crate::error::{Error, Kind, Result};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown},
    path::Path,
};

/// The list of groups. Groups of a directory service are not in it; they can be given by number.
const GROUPS: &str = "/etc/group";

/// The group that may read besides the owner, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access {
    gid: Option<u32>,
}

impl Access {
    /// Access for the owner and, if one is named, a group: by its name in `/etc/group` or by its number.
    ///
    /// An unknown group is a [`Kind::Config`] error.
    pub fn new(group: Option<&str>) -> Result<Self> {
        let Some(name) = group else { return Ok(Self::default()) };
        if let Ok(gid) = name.parse() {
            return Ok(Self { gid: Some(gid) });
        }
        let list = fs::read(GROUPS).map_err(|e| Error::io(format!("cannot read `{GROUPS}`"), &e))?;
        match gid_in(&String::from_utf8_lossy(&list), name) {
            Some(gid) => Ok(Self { gid: Some(gid) }),
            None => Err(Error::new(Kind::Config, format!("unknown group `{name}`"))
                .hint(format!("name a group of `{GROUPS}`, or give the number of the group"))),
        }
    }

    /// Whether a group was named.
    pub fn is_shared(self) -> bool {
        self.gid.is_some()
    }

    /// Creates a directory and its parents if they do not exist.
    pub fn make_dir(self, dir: &Path) -> Result<()> {
        if dir.as_os_str().is_empty() || dir.is_dir() {
            return Ok(());
        }
        if let Some(parent) = dir.parent() {
            self.make_dir(parent)?;
        }
        let made = DirBuilder::new().mode(0o700).create(dir);
        match made {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let doing = format!("cannot create directory `{}`", dir.display());
                // Either another process made the directory meanwhile, or a file is in its place, which is permanent.
                let in_the_way = || Error::new(Kind::Config, doing).because("a file is in its place");
                return if dir.is_dir() { Ok(()) } else { Err(in_the_way()) };
            }
            _ => made.map_err(|e| Error::io(format!("cannot create directory `{}`", dir.display()), &e))?,
        }
        self.hand_over(dir, 0o2750)
    }

    /// Creates an empty file if there is none, and gives it to the group. An existing file is never opened: closing
    /// it would drop the locks that SQLite holds on it in this process.
    pub fn make_file(self, path: &Path) -> Result<()> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(_) => sync_dir(path.parent())?,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Error::io(format!("cannot create `{}`", path.display()), &e)),
        }
        self.share_file(path)
    }

    /// Gives a file to the group, if there is one, for reading.
    pub fn share_file(self, path: &Path) -> Result<()> {
        self.hand_over(path, 0o640)
    }

    fn hand_over(self, path: &Path, mode: u32) -> Result<()> {
        let Some(gid) = self.gid else { return Ok(()) };
        let hand = || {
            let found = fs::metadata(path)?;
            // Already as wanted. Only the owner may change it: a member of the group should fail at what it set out
            // to do, not here.
            if (found.gid(), found.mode() & 0o7777) == (gid, mode) {
                return Ok(());
            }
            chown(path, None, Some(gid))?;
            fs::set_permissions(path, Permissions::from_mode(mode))
        };
        hand().map_err(|e: io::Error| Error::io(format!("cannot give `{}` to group {gid}", path.display()), &e))
    }
}

/// Syncs a directory, so that the names in it survive a power loss. `None` and the empty path are the working
/// directory.
pub fn sync_dir(dir: Option<&Path>) -> Result<()> {
    let dir = dir.filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)
        .and_then(|d| d.sync_all())
        .map_err(|e| Error::io(format!("cannot sync directory `{}`", dir.display()), &e))
}

/// The number of a group, from the text of `/etc/group` (group(5): `name:password:gid:members`).
fn gid_in(list: &str, name: &str) -> Option<u32> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        Access::default().make_dir(&deep).unwrap();
        Access::default().make_file(&deep.join("f")).unwrap();
        assert_eq!((mode(&dir.path().join("a")), mode(&deep), mode(&deep.join("f"))), (0o700, 0o700, 0o600));
    }

    #[test]
    fn a_group_may_read_and_not_write() {
        let dir = tempfile::tempdir().unwrap();
        // A directory's own group is one that we may give files to.
        let gid = fs::metadata(dir.path()).unwrap().gid();
        let access = Access::new(Some(&gid.to_string())).unwrap();
        let deep = dir.path().join("a");
        access.make_dir(&deep).unwrap();
        access.make_file(&deep.join("f")).unwrap();
        assert_eq!((mode(&deep), mode(&deep.join("f"))), (0o2750, 0o640));
        assert_eq!(fs::metadata(deep.join("f")).unwrap().gid(), gid);
    }

    #[test]
    fn what_exists_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        fs::write(&file, "kept").unwrap();
        Access::default().make_dir(dir.path()).unwrap();
        Access::default().make_file(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    }

    #[test]
    fn groups_are_found_by_their_whole_name() {
        let list = "root:x:0:\nmail-admins:x:812:ann,bob\nmail:x:8:\nbroken\n";
        assert_eq!(gid_in(list, "mail"), Some(8));
        assert_eq!(gid_in(list, "mail-admins"), Some(812));
        assert_eq!(gid_in(list, "adm"), None);
        assert_eq!(gid_in(list, "broken"), None);
    }

    #[test]
    fn an_unknown_group_is_a_mistake_in_the_settings() {
        let error = Access::new(Some("no such group")).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Config, "unknown group `no such group`"));
    }
}
