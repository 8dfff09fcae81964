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

/// Gives a file the extended attributes of another, among which are lists of who may read it.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
pub(super) fn copy_attributes(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{XattrFlags, getxattr, listxattr, setxattr};
    use rustix::io::Errno;

    const ROOM: usize = 64 << 10;

    let mut names = Vec::with_capacity(ROOM);
    match listxattr(from, rustix::buffer::spare_capacity(&mut names)) {
        Ok(_) => {}
        Err(Errno::NOTSUP | Errno::NOENT | Errno::RANGE) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = Vec::with_capacity(ROOM);
        let copied = getxattr(from, name, rustix::buffer::spare_capacity(&mut value))
            .and_then(|_| setxattr(to, name, &value, XattrFlags::empty()));
        // Labels of the system's own are its own affair; a list of readers is ours.
        if let Err(error) = copied
            && name.starts_with(b"system.posix_acl")
        {
            return Err(io::Error::new(
                io::Error::from(error).kind(),
                format!("its list of who may read it cannot be kept: {error}"),
            ));
        }
    }
    Ok(())
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
        None => Err(super::disk::other(&format!("there is no group {name:?}"))),
    }
}

#[cfg(not(unix))]
pub(super) fn group(_: &str) -> io::Result<u32> {
    Err(super::disk::other("this system has no groups of files"))
}

/// Whether something is mounted at exactly this place, which cannot be renamed over.
#[cfg(target_os = "linux")]
pub(super) fn is_mount_point(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

    /// `STATX_ATTR_MOUNT_ROOT`.
    const MOUNT_ROOT: u64 = 0x2000;

    statx(
        CWD,
        path,
        AtFlags::SYMLINK_NOFOLLOW,
        StatxFlags::BASIC_STATS,
    )
    .is_ok_and(|data| {
        data.stx_attributes_mask.bits() & data.stx_attributes.bits() & MOUNT_ROOT != 0
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_mount_point(_: &Path) -> bool {
    false
}
