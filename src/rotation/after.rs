//! Steps of the user's after a delivery, such as to restart what uses the token.

use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;

type Run = dyn Fn(Vec<String>) -> BoxFuture<'static, Result<(), String>> + Send + Sync;

/// Step after a delivery: part of the rotation, tried again at each tick until it succeeds, without
/// another token; until then the previous token stays.
///
/// It gets the names of the managed tokens that it is taken for. Where many are ticked together,
/// steps of the same id are taken once, after all deliveries.
///
/// ```
/// use access_tokens::rotation::AfterStep;
///
/// let reload = AfterStep::from_fn("reload the web server", |names| async move {
///     println!("new secrets: {}", names.join(", "));
///     Ok::<(), String>(())
/// });
/// assert_eq!(reload.id(), "reload the web server");
/// ```
#[derive(Clone)]
pub struct AfterStep {
    id: String,
    run: Arc<Run>,
}

impl AfterStep {
    /// A step that calls an async closure with the names of the tokens. The text of its error is
    /// shown: it must not hold a secret.
    pub fn from_fn<F, W, E>(id: impl Into<String>, run: F) -> Self
    where
        F: Fn(Vec<String>) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let run = Arc::new(run);
        Self {
            id: id.into(),
            run: Arc::new(move |names| {
                let run = Arc::clone(&run);
                // Called inside, so that a panic of the closure itself is caught as well.
                Box::pin(async move { run(names).await.map_err(|error| error.to_string()) })
            }),
        }
    }

    /// What it is called in plans and errors; steps of the same id are the same step.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn run(&self, names: Vec<String>) -> BoxFuture<'static, Result<(), String>> {
        (self.run)(names)
    }
}

impl fmt::Debug for AfterStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterStep")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
