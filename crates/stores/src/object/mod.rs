//! State in an object store: one object an entry, replaced on the condition that it has not changed.

mod failed;
mod probe;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access_tokens::BoxFuture;
use access_tokens::rotation::state::{
    Listed, StateStore, StoreError, StoreErrorKind, StoreVersion, Stored, Unreadable, check_name,
    escape_name, unescape_name,
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt as _, PutMode, PutPayload, UpdateVersion};

use crate::form;
use failed::{Failed, not_written, unreadable};

/// How many objects of a listing are read at a time.
const AT_ONCE: usize = 32;
/// Larger objects are none of ours.
const LARGEST: u64 = 8 << 20;
/// How many versions are kept in mind.
const KNOWN: usize = 10_000;

/// State store in an object store: S3, Google Cloud Storage, Azure Blob Storage, or one in memory.
///
/// It works over any store of the crate [`object_store`] that applies conditions to a put; that crate's
/// builders say where it is and with which credential. [`probe`](StateStore::probe) tries whether a
/// second create and a stale update are really refused, since some stores take a condition and do not
/// apply it; `LocalFileSystem` has no conditional update and is refused, use
/// [`FileStore`](access_tokens::rotation::state::FileStore) there.
///
/// As no object can be removed on a condition, what is removed becomes an empty object and stays.
///
/// ```
/// use std::sync::Arc;
///
/// use access_tokens::rotation::state::{StateStore, Stored, write};
/// use access_tokens_stores::ObjectStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // For S3: `AmazonS3Builder::from_env().with_bucket_name("state").build()?`
/// let bucket = object_store::memory::InMemory::new();
/// let store = ObjectStore::new(Arc::new(bucket), "access-tokens")?;
/// store.probe().await?;
///
/// let entry = Stored::new("token/nightly-export", serde_json::json!({"counter": 0}));
/// write(&store, None, &entry).await?;
/// assert_eq!(store.load("token/nightly-export").await?, Some(entry));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ObjectStore {
    store: Arc<dyn object_store::ObjectStore>,
    folder: Path,
    timeout: Duration,
    /// Which object an entry's version was last seen in, so that a write need not look first. The
    /// condition of the write is what counts.
    known: Arc<Mutex<HashMap<Path, (StoreVersion, UpdateVersion)>>>,
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStore")
            .field("store", &format_args!("{}", self.store))
            .field("folder", &self.folder.as_ref())
            .finish_non_exhaustive()
    }
}

/// What is at a place.
enum Found {
    Absent,
    /// Something was here and was removed.
    Removed(UpdateVersion),
    Entry(Stored, UpdateVersion),
    Unreadable(&'static str, UpdateVersion),
}

type Result<T, E = StoreError> = std::result::Result<T, E>;

impl ObjectStore {
    /// A store in this folder of a bucket or container.
    ///
    /// # Errors
    /// [`InvalidName`](StoreErrorKind::InvalidName) if no object can be in such a folder.
    pub fn new(store: Arc<dyn object_store::ObjectStore>, folder: &str) -> Result<Self> {
        let folder = Path::parse(folder)
            .map_err(|error| StoreError::new(StoreErrorKind::InvalidName, error.to_string()))?;
        Ok(Self {
            store,
            folder,
            timeout: Duration::from_secs(30),
            known: Arc::default(),
        })
    }

    /// Sets how long a single call may take (30 s), with all that the store below repeats.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn place(&self, name: &str) -> Path {
        self.file(&escape_name(name))
    }

    fn file(&self, key: &str) -> Path {
        // What is escaped needs no more of it; `child` would escape `%` again.
        let whole = format!("{}/{key}", self.folder);
        Path::parse(whole).unwrap_or_else(|_| self.folder.clone().join(key))
    }

    async fn look(&self, place: &Path, name: &str) -> Result<Found> {
        let got = self.in_time(async {
            let got = self.store.get(place).await?;
            let version = UpdateVersion {
                e_tag: got.meta.e_tag.clone(),
                version: got.meta.version.clone(),
            };
            if got.meta.size > LARGEST {
                return Ok((None, version));
            }
            Ok((Some(got.bytes().await?), version))
        });
        let (content, version) = match got.await {
            Ok(got) => got,
            Err(Failed::Store(Error::NotFound { .. })) => return Ok(Found::Absent),
            Err(error) => return Err(error.reading(place)),
        };
        Ok(match content {
            None => Found::Unreadable("is too large for an entry", version),
            Some(content) if content.is_empty() => Found::Removed(version),
            Some(content) => match form::entry(&content, name) {
                Ok(entry) => {
                    self.note(place, &entry.version, version.clone());
                    Found::Entry(entry, version)
                }
                Err(why) => Found::Unreadable(why, version),
            },
        })
    }

    async fn put(
        &self,
        place: &Path,
        content: Vec<u8>,
        mode: PutMode,
    ) -> Result<UpdateVersion, Failed> {
        let payload = PutPayload::from(content);
        self.in_time(async {
            let put = self.store.put_opts(place, payload, mode.into()).await?;
            Ok(UpdateVersion::from(put))
        })
        .await
    }

    async fn in_time<T>(
        &self,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Failed> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(done) => done.map_err(Failed::Store),
            Err(_) => Err(Failed::Late(self.timeout)),
        }
    }

    fn note(&self, place: &Path, version: &StoreVersion, object: UpdateVersion) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN && !known.contains_key(place) {
            known.clear();
        }
        known.insert(place.clone(), (version.clone(), object));
    }

    /// The object that an entry of this version is in.
    async fn object(&self, name: &str, expected: &StoreVersion) -> Result<UpdateVersion> {
        let place = self.place(name);
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((version, object)) = known.get(&place)
                && version == expected
            {
                return Ok(object.clone());
            }
        }
        match self.look(&place, name).await.map_err(not_written)? {
            Found::Entry(entry, object) if entry.version == *expected => Ok(object),
            Found::Unreadable(why, _) => Err(unreadable(&place, why)),
            _ => Err(StoreError::superseded(name)),
        }
    }

    /// Puts something in the place of the entry of this version.
    async fn swap(
        &self,
        name: &str,
        expected: &StoreVersion,
        content: Vec<u8>,
    ) -> Result<UpdateVersion> {
        let (place, object) = (self.place(name), self.object(name, expected).await?);
        match self.put(&place, content, PutMode::Update(object)).await {
            Ok(object) => Ok(object),
            Err(Failed::Store(
                Error::Precondition { .. } | Error::AlreadyExists { .. } | Error::NotFound { .. },
            )) => Err(StoreError::superseded(name)),
            Err(error) => Err(error.writing(&place)),
        }
    }

    async fn create_in(&self, entry: &Stored) -> Result<()> {
        let (place, content) = (self.place(&entry.name), form::text(entry)?.into_bytes());
        // A conflict of two requests is answered like an object that is there, so look.
        for _ in 0..3 {
            let object = match self.put(&place, content.clone(), PutMode::Create).await {
                Ok(object) => object,
                Err(Failed::Store(Error::AlreadyExists { .. } | Error::Precondition { .. })) => {
                    let removed = match self.look(&place, &entry.name).await.map_err(not_written)? {
                        Found::Removed(object) => object,
                        Found::Absent => continue,
                        Found::Entry(..) => break,
                        Found::Unreadable(why, _) => return Err(unreadable(&place, why)),
                    };
                    match self
                        .put(&place, content.clone(), PutMode::Update(removed))
                        .await
                    {
                        Ok(object) => object,
                        Err(Failed::Store(
                            Error::Precondition { .. } | Error::AlreadyExists { .. },
                        )) => continue,
                        Err(error) => return Err(error.writing(&place)),
                    }
                }
                Err(error) => return Err(error.writing(&place)),
            };
            self.note(&place, &entry.version, object);
            return Ok(());
        }
        Err(StoreError::exists(&entry.name))
    }

    async fn list_all(&self, prefix: &str) -> Result<Vec<Listed>> {
        // Only what is directly in the folder.
        let objects = self.in_time(self.store.list_with_delimiter(Some(&self.folder)));
        let objects = objects.await.map_err(|error| error.reading(&self.folder))?;
        let objects = objects.objects.into_iter().filter_map(|object| {
            let key = object.location.filename()?.to_owned();
            let name = unescape_name(&key);
            let asked = name.as_ref().is_none_or(|name| name.starts_with(prefix));
            (object.size > 0 && asked).then_some((object.location, key, name))
        });
        let read = futures_util::stream::iter(objects).map(|(place, key, name)| async move {
            // A long name is only in the object itself.
            let found = self
                .look(&place, name.as_deref().unwrap_or_default())
                .await?;
            Ok::<_, StoreError>(match found {
                Found::Absent | Found::Removed(_) => None,
                Found::Entry(entry, _) if escape_name(&entry.name) == key => entry
                    .name
                    .starts_with(prefix)
                    .then_some(Listed::Entry(entry)),
                Found::Entry(..) => Some(listed(&place, name.unwrap_or(key), form::OTHER_NAME)),
                Found::Unreadable(why, _) => Some(listed(&place, name.unwrap_or(key), why)),
            })
        });
        let read: Vec<_> = read.buffer_unordered(AT_ONCE).try_collect().await?;
        let mut read: Vec<_> = read.into_iter().flatten().collect();
        read.sort_by(|one, other| name_of(one).cmp(name_of(other)));
        Ok(read)
    }

    async fn remove_bad(&self, listed: &str) -> Result<()> {
        let keys = [escape_name(listed), listed.to_owned()];
        for (key, name) in keys.iter().zip([listed, ""]) {
            let Ok(place) = Path::parse(format!("{}/{key}", self.folder)) else {
                continue;
            };
            let object = match self.look(&place, name).await.map_err(not_written)? {
                Found::Unreadable(_, object) => object,
                Found::Entry(entry, object) if escape_name(&entry.name) != *key => object,
                _ => continue,
            };
            return match self.put(&place, Vec::new(), PutMode::Update(object)).await {
                Ok(_) => Ok(()),
                Err(Failed::Store(Error::Precondition { .. })) => {
                    Err(StoreError::superseded(listed))
                }
                Err(error) => Err(error.writing(&place)),
            };
        }
        let text = format!("no entry {listed:?} is unreadable");
        Err(StoreError::new(StoreErrorKind::Superseded, text))
    }
}

impl StateStore for ObjectStore {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let place = self.place(check_name(name)?);
            match self.look(&place, name).await? {
                Found::Entry(entry, _) => Ok(Some(entry)),
                Found::Absent | Found::Removed(_) => Ok(None),
                Found::Unreadable(why, _) => Err(unreadable(&place, why)),
            }
        })
    }

    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_name(&entry.name)?;
            self.create_in(entry).await
        })
    }

    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let name = check_name(&entry.name)?;
            let content = form::text(entry)?.into_bytes();
            let object = self.swap(name, expected, content).await?;
            self.note(&self.place(name), &entry.version, object);
            Ok(())
        })
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.swap(check_name(name)?, expected, Vec::new()).await?;
            Ok(())
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>>> {
        Box::pin(self.list_all(prefix))
    }

    fn remove_unreadable<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.remove_bad(name))
    }

    fn probe(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.try_conditions())
    }
}

fn listed(place: &Path, name: String, why: &str) -> Listed {
    Listed::Unreadable(Unreadable {
        name,
        reason: format!("{place} {why}"),
    })
}

fn name_of(listed: &Listed) -> &str {
    match listed {
        Listed::Entry(entry) => &entry.name,
        Listed::Unreadable(entry) => &entry.name,
    }
}
