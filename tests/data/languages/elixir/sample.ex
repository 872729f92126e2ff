defmodule Shop.Cart do
  @moduledoc """
  A shopping cart.

  Holds items until checkout.
  """

  use GenServer
  alias Shop.Item

  @max_items 50
  @type t :: %__MODULE__{items: [Item.t()]}
  @typep key :: atom()

  defstruct items: [], total: 0

  @doc "Adds an item."
  @doc since: "1.0"
  @spec add(t(), Item.t()) :: {:ok, t()} | {:error, term()}
  def add(cart, item, opts \\ [])

  def add(%__MODULE__{items: items} = cart, item, _opts) when length(items) < @max_items do
    {:ok, %{cart | items: [item | items]}}
  end

  def add(_cart, _item, _opts), do: {:error, :full}

  # Never fails.
  defp größe(cart), do: length(cart.items)

  @impl true
  def handle_call(:total, _from, cart) do
    total = Enum.reduce(cart.items, 0, fn item, sum -> item.price + sum end)
    {:reply, total, cart}
  end

  @doc ~S"""
  Checks a condition at compile time.
  """
  defmacro check(condition) do
    quote do
      unquote(condition)
    end
  end

  defguard is_empty(cart) when cart.items == []
  defdelegate size(cart), to: Shop.Size

  def left <~> right, do: {left, right}

  defmodule Line do
    defstruct [:item, :count]
  end
end

defprotocol Shop.Priced do
  @doc "The price in cents."
  @spec price(t) :: integer
  def price(value)
end

defimpl Shop.Priced, for: Shop.Cart do
  def price(cart), do: cart.total
end

defmodule Shop.CartTest do
  use ExUnit.Case, async: true

  describe "add/2" do
    test "puts an item in", %{cart: cart} do
      assert {:ok, _} = Shop.Cart.add(cart, :apple)
    end
  end
end
