//! What belongs to a file besides its content: mode, owner, group, attributes.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Mode and owner of a file; nothing of it where a system has no such thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    mode: u32,
    uid: u32,
    gid: u32,
}

impl Meta {
    pub(super) fn with_mode(self, mode: Option<u32>) -> Self {
        Self {
            mode: mode.unwrap_or(self.mode),
            ..self
        }
    }

    pub(super) fn with_group(self, group: Option<u32>) -> Self {
        Self {
            gid: group.unwrap_or(self.gid),
            ..self
        }
    }

    pub(super) fn owner_differs(&self, other: &Self) -> bool {
        (self.uid, self.gid) != (other.uid, other.gid)
    }

    /// This, with what was changed from `before` to `left` changed back.
    pub(super) fn taken_back(self, left: Self, before: Self) -> Self {
        let back = |now, left, before| if now == left { before } else { now };
        Self {
            mode: back(self.mode, left.mode, before.mode),
            uid: back(self.uid, left.uid, before.uid),
            gid: back(self.gid, left.gid, before.gid),
        }
    }
}

#[cfg(unix)]
impl Meta {
    pub(super) fn of(data: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        Self {
            mode: data.mode() & 0o7777,
            uid: data.uid(),
            gid: data.gid(),
        }
    }
}

#[cfg(not(unix))]
impl Meta {
    pub(super) fn of(_: &Metadata) -> Self {
        Self::default()
    }
}

#[cfg(unix)]
pub(super) fn names(data: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(data)
}

#[cfg(not(unix))]
pub(super) fn names(_: &Metadata) -> u64 {
    1
}

/// Gives a file to the owner and group that `new` has and `old` has not.
#[cfg(unix)]
pub(super) fn set_owner(path: &Path, old: &Meta, new: &Meta) -> io::Result<()> {
    let uid = (old.uid != new.uid).then_some(new.uid);
    let gid = (old.gid != new.gid).then_some(new.gid);
    std::os::unix::fs::chown(path, uid, gid).map_err(|error| {
        let to = format!("{}:{}", new.uid, new.gid);
        io::Error::new(
            error.kind(),
            format!("it cannot be given to its owner and group, {to}: {error}"),
        )
    })
}

#[cfg(not(unix))]
pub(super) fn set_owner(_: &Path, _: &Meta, _: &Meta) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
pub(super) fn set_mode(path: &Path, new: &Meta) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::set_permissions(path, std::fs::Permissions::from_mode(new.mode))
}

#[cfg(not(unix))]
pub(super) fn set_mode(_: &Path, _: &Meta) -> io::Result<()> {
    Ok(())
}

/// Gives a file the extended attributes of another, among which are lists of who may read it, and
/// takes from it the list that its directory gave it.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
pub(super) fn copy_attributes(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{XattrFlags, getxattr, removexattr, setxattr};
    use rustix::io::Errno;

    /// Who may read a file on Linux, besides its mode.
    const READERS: &[u8] = b"system.posix_acl_access";
    const ROOM: usize = 64 << 10;

    let kept = |error: Errno| {
        io::Error::new(
            io::Error::from(error).kind(),
            format!("its list of who may read it cannot be kept: {error}"),
        )
    };
    let names = attributes(from)?;
    if !names.iter().any(|name| name == READERS)
        && attributes(to)?.iter().any(|name| name == READERS)
    {
        removexattr(to, READERS).map_err(kept)?;
    }
    for name in names {
        let mut value = Vec::with_capacity(ROOM);
        let copied = getxattr(from, &*name, rustix::buffer::spare_capacity(&mut value))
            .and_then(|_| setxattr(to, &*name, &value, XattrFlags::empty()));
        // Labels of the system's own are its own affair; a list of readers is ours.
        if let Err(error) = copied
            && name == READERS
        {
            return Err(kept(error));
        }
    }
    Ok(())
}

/// The names of a file's extended attributes.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
fn attributes(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    use rustix::io::Errno;

    const ROOM: usize = 64 << 10;

    let mut names = Vec::with_capacity(ROOM);
    match rustix::fs::listxattr(path, rustix::buffer::spare_capacity(&mut names)) {
        Ok(_) => {}
        Err(Errno::NOTSUP | Errno::NOENT | Errno::RANGE) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    }
    let names = names.split(|byte| *byte == 0);
    Ok(names
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
pub(super) fn copy_attributes(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

/// The number of a group that is given by its name or number.
#[cfg(unix)]
pub(super) fn group(name: &str) -> io::Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    match nix::unistd::Group::from_name(name)? {
        Some(group) => Ok(group.gid.as_raw()),
        None => Err(super::paths::other(&format!("there is no group {name:?}"))),
    }
}

#[cfg(not(unix))]
pub(super) fn group(_: &str) -> io::Result<u32> {
    Err(super::paths::other("this system has no groups of files"))
}

/// Why a file cannot be replaced, where that can be told without trying.
#[cfg(target_os = "linux")]
pub(super) fn fixed(path: &Path) -> Option<&'static str> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    use rustix::process::geteuid;

    const IMMUTABLE: u64 = 0x10;
    const APPEND_ONLY: u64 = 0x20;
    const MOUNT_ROOT: u64 = 0x2000;
    const STICKY: u16 = 0o1000;

    let look = |path| {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        statx(CWD, path, flags, StatxFlags::BASIC_STATS).ok()
    };
    let (file, directory) = (look(path)?, look(super::paths::directory(path))?);
    let file_has =
        |attribute| file.stx_attributes_mask.bits() & file.stx_attributes.bits() & attribute != 0;
    let strangers = |uid| !geteuid().is_root() && uid != geteuid().as_raw();
    if file_has(MOUNT_ROOT) {
        Some(
            "something is mounted at exactly this place, which cannot be replaced: have it written in place",
        )
    } else if file_has(IMMUTABLE) || file_has(APPEND_ONLY) {
        Some("it is marked as one that nobody may change (chattr -ia takes that away)")
    } else if directory.stx_mode & STICKY != 0
        && strangers(file.stx_uid)
        && strangers(directory.stx_uid)
    {
        Some(
            "it belongs to another user and lies in a directory where only that one can replace it (sticky, as /tmp is)",
        )
    } else {
        None
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn fixed(_: &Path) -> Option<&'static str> {
    None
}
