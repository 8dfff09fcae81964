//! Traits of this crate for what points to an implementation: a shared, boxed or borrowed one is one.

/// Implements a trait for pointers by passing every method on; the methods are given by their signatures.
macro_rules! pass_on {
    ($trait:ident for $($pointer:ty),+ => $methods:tt) => {
        $($crate::pointer::pass_on!(@ $trait, $pointer, $methods);)+
    };
    (@ $trait:ident, $pointer:ty, {$(
        fn $name:ident $(<$life:lifetime>)? (&$($own:lifetime)? self $(, $arg:ident: $type:ty)*) -> $out:ty;
    )+}) => {
        impl<T: $trait + ?Sized> $trait for $pointer {$(
            fn $name $(<$life>)? (&$($own)? self $(, $arg: $type)*) -> $out {
                (**self).$name($($arg),*)
            }
        )+}
    };
}

pub(crate) use pass_on;
