//! A token as a record, and as a template for another one.

use std::time::SystemTime;

use super::models::tail;
use super::{Access, NewToken, Role, Token, TokenBody};
use crate::id::Service;
use crate::marker::Marker;
use crate::new_token::NewToken as NewTokenOf;
use crate::secret::Secret;
use crate::service::{Privilege, TokenKey, TokenKind, TokenRecord, TokenState};
use crate::time::When;

/// How records are made of the answers to one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) now: SystemTime,
    /// Whether an answer without `expiry` says that the token has no end. Under a version of the
    /// API that has the member it does; and a service that does not know the member yet cannot have
    /// given the token an end.
    pub(super) knows_expiry: bool,
}

impl Reading {
    pub(super) fn new_record(self, new: NewToken) -> NewTokenOf<TokenRecord> {
        let (token, secret) = new.into_parts();
        NewTokenOf::new(self.record(token), secret)
    }

    pub(super) fn record(self, token: Token) -> TokenRecord {
        let expires = match token.expires() {
            When::NotReported if token.expiry.is_none() && self.knows_expiry => When::Never,
            told => told,
        };
        let over = expires.time().is_some_and(|end| end <= self.now);
        let (created, modified, last_used) = (token.created(), token.modified(), token.last_used());
        let (privilege, revision) = (privilege(&token), revision(&token));
        let owner = token.member.and_then(|member| member.email);
        TokenRecord {
            kind: match token.service_token {
                Some(true) => TokenKind::Service,
                Some(false) => TokenKind::Personal,
                None => TokenKind::NotReported,
            },
            state: if over {
                TokenState::Expired
            } else {
                TokenState::Active
            },
            created,
            modified,
            expires,
            last_used,
            privilege,
            owner: owner.or_else(|| token.member_id.clone()).map(Into::into),
            owner_id: token.member_id.map(Into::into),
            marker: token.description.as_deref().and_then(Marker::in_text),
            name: token.name,
            revision,
            ..TokenRecord::new(Service::LAUNCH_DARKLY, TokenKey::from(token.id))
        }
    }
}

fn privilege(token: &Token) -> Privilege {
    match token.access() {
        Some(Access::Role(Role::Admin)) => Privilege::Admin,
        Some(Access::Role(Role::Writer)) => Privilege::Write,
        Some(Access::Role(Role::Reader)) => Privilege::Read,
        // The user interface offers this one, too, and it stands above Admin.
        Some(Access::Role(Role::Other(role))) if role == "owner" => Privilege::Admin,
        Some(Access::Role(other)) => Privilege::Custom(Some(other.into())),
        Some(Access::CustomRoles(roles)) => Privilege::Custom(Some(roles.join(" "))),
        Some(Access::InlinePolicy(_)) => Privilege::Custom(None),
        None => Privilege::NotReported,
    }
}

/// The time of the last change, and a number for the end of the secret: a reset that falls into the
/// same moment is another state all the same.
fn revision(token: &Token) -> String {
    let changed = token.last_modified.map_or(0, crate::UnixMillis::get);
    match token.secret_tail() {
        Some(tail) => format!("{changed}/{:08x}", number_of(token.id.as_str(), tail)),
        None => changed.to_string(),
    }
}

/// Whether a secret ends like that of a record's token.
pub(super) fn ends_like(record: &TokenRecord, secret: &Secret) -> bool {
    let Some(tail) = tail(secret.expose_secret()) else {
        return false;
    };
    let number = format!("{:08x}", number_of(record.key.as_str(), tail));
    let shown = record.revision.rsplit_once('/');
    shown.is_some_and(|(_, shown)| shown == number)
}

/// FNV-1a, which is the same in every process. No protection of anything: the service shows the
/// characters to whoever may list tokens.
fn number_of(id: &str, tail: &str) -> u32 {
    let bytes = id.bytes().chain([0]).chain(tail.bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// What a token like this one is created from. Taken apart member by member, so that one which the
/// document gains cannot be forgotten.
pub(super) fn body_like(old: Token) -> TokenBody {
    let access = old.access();
    let Token {
        id: _,
        owner_id: _,
        member_id: _,
        member: _,
        name,
        description,
        creation_date: _,
        last_modified: _,
        custom_role_ids: _,
        inline_role: _,
        role: _,
        token: _,
        service_token,
        links: _,
        default_api_version,
        last_used: _,
        expiry,
    } = old;
    let mut body = TokenBody {
        name: name.filter(|name| !name.trim().is_empty()),
        description,
        role: None,
        custom_role_ids: Vec::new(),
        inline_role: Vec::new(),
        service_token,
        default_api_version: default_api_version.filter(|version| *version != 0),
        expiry: expiry.filter(|end| end.get() != 0),
    };
    if let Some(access) = access {
        access.put_into(&mut body);
    }
    body
}
