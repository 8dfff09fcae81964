//! The generated requests, adjusted.

use quote::ToTokens;
use syn::visit_mut::{
    VisitMut, visit_expr_mut, visit_file_mut, visit_impl_item_fn_mut, visit_path_mut,
};
use syn::{Expr, ImplItem, Item, Stmt, parse_quote};

/// Makes the generated client one of ours: a `Call` stands for its HTTP client, and what comes of a
/// request is given back as it is. Nothing of progenitor's is left, nor the version of our document,
/// which means nothing to a service: a header map of its own in every request.
#[derive(Default)]
pub(crate) struct Requests {
    /// How many there are.
    pub(crate) adjusted: usize,
}

impl VisitMut for Requests {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(|item| match item {
            Item::Use(_) => false,
            // The others would make an HTTP client, and have it looked after by hooks.
            Item::Impl(item) => item.items.iter().any(is_operation),
            _ => true,
        });
        let names = parse_quote!(
            #[allow(unused_imports)]
            use crate::transport::{Call, ResponseValue, encode_path};
        );
        file.items.insert(0, names);
        file.items.push(parse_quote!(
            impl From<Call> for Client {
                fn from(client: Call) -> Self {
                    let baseurl = client.base_url().to_owned();
                    Self { baseurl, client }
                }
            }
        ));
        visit_file_mut(self, file);
    }

    /// Ends an operation with its request, behind which come hooks and the reading of the answer.
    fn visit_impl_item_fn_mut(&mut self, method: &mut syn::ImplItemFn) {
        let statements = &mut method.block.stmts;
        statements.retain(|statement| {
            let text = statement.to_token_stream().to_string();
            let made = text.starts_with("let mut header_map =");
            let filled =
                text.starts_with("header_map . append") && text.contains("\"api-version\"");
            !(made || filled)
        });
        if let Some(at) = statements.iter().position(|it| request(it).is_some()) {
            self.adjusted += 1;
            statements.truncate(at + 1);
            let sent = statements.pop().and_then(|it| request(&it).cloned());
            statements.push(Stmt::Expr(parse_quote!(#sent.send().await), None));
        }
        visit_impl_item_fn_mut(self, method);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_expr_mut(self, expr);
        let Expr::MethodCall(call) = expr else {
            return;
        };
        let text = |tokens: &dyn ToTokens| tokens.to_token_stream().to_string();
        match call.method.to_string().as_str() {
            "headers" if text(&call.args) == "header_map" => *expr = (*call.receiver).clone(),
            "query" => {
                if let Some(Expr::Reference(param)) = call.args.first()
                    && let Expr::Call(new) = &*param.expr
                    && text(&new.func) == "progenitor_client :: QueryParam :: new"
                {
                    let plain = new.args.clone();
                    call.args = plain;
                }
            }
            method if text(&call.receiver) == "self . client" => {
                let method = syn::Ident::new(&method.to_uppercase(), call.method.span());
                let url = &call.args;
                call.args = parse_quote!(::reqwest::Method::#method, &#url);
                call.method = parse_quote!(request);
            }
            _ => {}
        }
    }

    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        match path.to_token_stream().to_string().as_str() {
            "reqwest :: Client" => *path = parse_quote!(Call),
            "Error < () >" => *path = parse_quote!(crate::Error),
            _ => visit_path_mut(self, path),
        }
    }
}

fn is_operation(item: &ImplItem) -> bool {
    matches!(item, ImplItem::Fn(method) if method.sig.asyncness.is_some())
}

/// The request that a statement builds, but for its end.
fn request(statement: &Stmt) -> Option<&Expr> {
    if let Stmt::Local(local) = statement
        && let Expr::Try(built) = &*local.init.as_ref()?.expr
        && let Expr::MethodCall(built) = &*built.expr
    {
        return (built.method == "build").then_some(&*built.receiver);
    }
    None
}
