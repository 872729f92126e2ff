using System;
using System.Collections.Generic;

namespace Example.Store.Model
{
    /// <summary>Something with a price.</summary>
    public interface IPriced<out T> : IDisposable where T : struct
    {
        decimal Price { get; }
        T Convert(decimal rate);
        event EventHandler Changed;
    }

    [Flags]
    public enum Channel : byte
    {
        None = 0,
        Web = 1, // the default
        Büro = 2,
    }

    public delegate void Notify<T>(object sender, T item);

    /// <summary>
    /// An order with its lines.
    /// </summary>
    [Serializable, Table("orders")]
    public sealed partial class Order<TKey> : Entity, IPriced<int> where TKey : notnull
    {
        public const int MaxLines = 100;
        private static readonly Dictionary<string, int> Counts = new(), Others = new();

        static Order() { }

        public Order(TKey key, params string[] lines) : base(key) => Key = key;

        ~Order() => Dispose();

        /// <summary>The total.</summary>
        public decimal Price { get; private set; }

        public string this[int index] => lines[index];

        public event EventHandler Changed;

        public static Order<TKey> operator +(Order<TKey> left, Order<TKey> right)
        {
            return left;
        }

        public static explicit operator decimal(Order<TKey> order) => order.Price;

        // Sends the order.
        [Obsolete]
        public async Task<bool> SendAsync<T>(T channel, CancellationToken token = default)
            where T : IChannel
        {
            int Retry(int n)
            {
                return n + 1;
            }
            return await channel.Send(this, Retry(1));
        }

        void IDisposable.Dispose() { }

        public struct Line
        {
            public string Name;
        }
    }

    public record Customer(string Name, int Größe);

    public record struct Point(int X, int Y);

    public class OrderTests
    {
        [Fact]
        public void TotalsAreSummed() { }

        [TestCase(1)]
        [Category("slow")]
        public void Sends(int n) { }
    }
}
