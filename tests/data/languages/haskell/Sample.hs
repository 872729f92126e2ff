{-# LANGUAGE GADTs, TypeFamilies #-}
-- | Trees that balance themselves.
module Data.Balanced
  ( Tree (..)
  , insert
  ) where

import qualified Data.Map as Map
import Data.Kind (Type)

-- | A tree.
--
-- Values are at the nodes.
data Tree k a
  = Leaf
  | Node
      { left :: Tree k a
      , key :: !k       -- ^ ordered
      , value :: a
      }
  deriving (Show, Eq)

newtype Size = Size { getSize :: Int }

type Path k = [Either k k]

type family Elem c :: Type where
  Elem [e] = e

data Expr :: Type -> Type where
  Lit :: Int -> Expr Int
  Add :: Expr Int -> Expr Int -> Expr Int

-- | Things that can be folded from the left.
class Functor f => Container f where
  type Item f
  empty :: f a
  -- | Adds one.
  cons :: a -> f a -> f a
  cons = flip const

instance (Ord k, Show a) => Container (Tree k) where
  empty = Leaf
  cons _ t = t

-- | Inserts a value.
insert :: Ord k => k -> a -> Tree k a -> Tree k a
insert k v Leaf = Node Leaf k v
insert k v t@(Node l k' v')
  | k < k' = go l
  | otherwise = t
  where
    go Leaf = Leaf
    go node = node

größe :: Tree k a -> Int
größe t = case t of
  Leaf -> 0
  _ -> 1

infixr 5 <+>
(<+>) :: Tree k a -> Tree k a -> Tree k a
a <+> b = a

limit, depth :: Int
limit = 10
depth = 3

main :: IO ()
main = do
  print (größe Leaf)
