//! The generated requests, adjusted.

use quote::ToTokens as _;
use syn::visit_mut::{VisitMut, visit_block_mut, visit_expr_mut};

/// Takes out the version of our document, which means nothing to a service: a header map of its own in
/// every request, which the generator cannot be told to leave away.
#[derive(Default)]
pub(crate) struct Requests {
    /// In how many requests it was.
    pub(crate) adjusted: usize,
}

impl VisitMut for Requests {
    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|statement| {
            let text = statement.to_token_stream().to_string();
            let made = text.starts_with("let mut header_map =");
            let filled =
                text.starts_with("header_map . append") && text.contains("\"api-version\"");
            !(made || filled)
        });
        visit_block_mut(self, block);
    }

    fn visit_expr_mut(&mut self, expr: &mut syn::Expr) {
        if let syn::Expr::MethodCall(call) = expr
            && call.method == "headers"
            && call.args.to_token_stream().to_string() == "header_map"
        {
            self.adjusted += 1;
            *expr = (*call.receiver).clone();
        }
        visit_expr_mut(self, expr);
    }
}
