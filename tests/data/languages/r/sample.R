# Fits linear models.

library(stats)

MAX_ITERATIONS <- 100L
verbose = FALSE

#' Fit a model
#'
#' @param formula what to fit
#' @param data a data frame
#' @return the coefficients
#' @export
fit_model <- function(formula, data, ..., weights = NULL) {
  residuals_of <- function(model) {
    data$y - predict(model)
  }
  lm(formula, data)
}

# Operators.
`%+%` <- function(a, b) paste0(a, b)

print.fit = function(x, ...) {
  cat("fit\n")
}

größe <- \(x) length(x)

assign_right <- NULL
function(x) x + 1 -> increment

Account <- R6::R6Class("Account",
  public = list(
    balance = 0,
    deposit = function(amount) {
      self$balance <- self$balance + amount
      invisible(self)
    }
  )
)

setGeneric("area", function(shape) {
  standardGeneric("area")
})

setMethod("area", "Circle", function(shape) {
  pi * shape@r^2
})

setClass("Circle", representation(r = "numeric"))

test_that("deposits add up", {
  expect_equal(1, 1)
})
