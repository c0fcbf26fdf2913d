/// What the numbers of time series are scaled over.
package enum ScaleScope: String, CaseIterable, Sendable {
  /// A column of all series together.
  case column
  /// A column of each series by itself.
  case series
}

/// What the numbers of a window are relative to.
package enum WindowOrigin: String, CaseIterable, Sendable, Codable {
  /// Nothing: as they are.
  case none
  /// The column's last number in the window.
  case last
  /// The column's mean over the window.
  case mean
}

/// What one series is.
package enum SeriesForm: String, CaseIterable, Sendable, Codable {
  /// All columns of a sequence, which one window has side by side.
  case rows
  /// Each column of a sequence by itself, so that one model learns from all of them.
  case columns
}
