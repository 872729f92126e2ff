(ns shop.cart
  "A shopping cart."
  (:require [clojure.string :as str]))

(def max-items "How many items fit." 50)
(def ^:private cache (atom {}))
(defonce server nil)
(declare total)

(defrecord Item [name price]
  Priced
  (price-of [this] price))

(deftype Node [^:mutable value next])

(defprotocol Priced
  "Things with a price."
  (price-of [this] "The price in cents.")
  (discount [this percent]))

;; Adds an item.
(defn add
  "Returns the cart with an item.
  Throws when it is full."
  {:added "1.0"}
  ([cart item] (add cart item 1))
  ([cart item n]
   (letfn [(check [c] (< (count c) max-items))]
     (conj cart item))))

(defn- größe [{:keys [items]}] (count items))

(defn ^String label [cart] (str/join ", " cart))

(defmacro with-cart
  "Binds a cart."
  [binding & body]
  `(let ~binding ~@body))

(defmulti ship "Ships by kind." :kind)

(defmethod ship :air
  [order]
  (println order))

(extend-type String
  Priced
  (price-of [s] 1))

(deftest adds-items
  (testing "one item"
    (is (= 1 (count (add [] :a))))))

(comment
  (add [] :b))
