//! Tokens and where they come from.

use std::{fmt, iter::Peekable};

/// How many tokens are looked at ahead.
pub const LOOKAHEAD: usize = 2;
static mut COUNT: u64 = 0;
type Result<T, E = LexError> = std::result::Result<T, E>;

/// A piece of source text.
///
/// Spans are bytes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    text: &'a str,
}

pub struct Offset(pub usize);

/// Kinds of tokens.
#[repr(u8)]
pub enum Kind {
    Ident,
    /// A number with its base.
    Number { base: u8 },
    Other(char),
}

pub union Bits {
    word: u32,
    bytes: [u8; 4],
}

pub trait Lexer<'a>: Iterator<Item = Token<'a>> {
    const NAME: &'static str;
    type Error: fmt::Display;

    /// Looks at the next token.
    fn peek(&mut self) -> Option<&Token<'a>>;

    fn skip_trivia(&mut self) -> usize {
        0
    }
}

impl<'a> Token<'a> {
    pub const EMPTY: Token<'static> = Token { kind: Kind::Ident, text: "" };

    #[inline]
    #[must_use = "the token is not changed"]
    pub fn größe(&self) -> usize {
        fn count(text: &str) -> usize {
            text.len()
        }
        count(self.text)
    }
}

impl<'a, T> std::ops::Add<T> for Token<'a>
where
    T: Into<Offset>,
{
    type Output = Offset;

    fn add(self, other: T) -> Offset {
        Offset(self.text.len() + other.into().0)
    }
}

impl fmt::Display for crate::error::LexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lex error")
    }
}

/// Builds a token.
#[macro_export]
macro_rules! token {
    ($kind:ident) => {
        Token { kind: Kind::$kind, text: "" }
    };
}

extern "C" {
    fn lex_init(flags: u32) -> i32;
}

pub async unsafe fn lex<R>(reader: R) -> Result<()>
where
    R: std::io::Read,
{
    Ok(())
}

pub mod error {
    pub struct LexError;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_input() {
        assert_eq!(Token::EMPTY.größe(), 0);
    }

    #[tokio::test]
    #[should_panic]
    async fn reads_to_the_end() {}

    fn helper() {}
}
