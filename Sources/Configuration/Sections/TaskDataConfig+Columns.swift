import Tasks

extension DataConfig {
  /// Kinds of columns, and what series are.
  static let columnKeys: [ConfigKey<DataConfig>] = [
    ConfigKey(
      "calendar", \.task.calendar, .optionalTexts, tasks: .withColumns,
      "Columns of dates or times in ISO form (2016-07-01 08:30), of which sine and cosine of hour, "
        + "weekday and month go in."),
    ConfigKey(
      "categories", \.task.categories, .optionalTexts, tasks: .withColumns,
      "Columns of a table that hold categories, as texts or codes: every one that training has "
        + "gets an embedding of its own, all others share one."),
    ConfigKey(
      "category_size", \.task.categorySize, .optionalInteger(1...1024), tasks: .withColumns,
      "Numbers of the embedding of each category; null for twice the square root of how many the "
        + "largest of the columns has, at most 64."),
    ConfigKey(
      "static", \.task.statics, .optionalTexts, tasks: .withColumns,
      "Columns of one number a sequence, which go in at every step; none is forecast unless "
        + "`targets` names it."),
    ConfigKey(
      "known", \.task.known, .optionalTexts, tasks: [.forecasting],
      "Columns that are known in the future: at each step their numbers `horizon` steps later go "
        + "in too. None is forecast unless `targets` names it."),
    ConfigKey(
      "series", \.task.series, .choice(), tasks: [.forecasting],
      "What one series is: all columns of the rows together, or each column to forecast by itself, "
        + "so that one model learns from all of them and forecasts each from its own past."),
    ConfigKey(
      "scale", \.task.scale, .choice(), tasks: [.forecasting],
      "What `normalize` takes mean and deviation over: a column of all series together, or a "
        + "column of each series (by `sequence`) by itself."),
    ConfigKey(
      "relative", \.task.relative, .choice(), tasks: [.forecasting],
      "What the numbers of each window and its forecast are relative to: nothing, each "
        + "column's last number in the window, or its mean there. Losses are the same "
        + "numbers either way."),
  ]
}
