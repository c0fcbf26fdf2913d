import Cells
package import GRUCore

/// Which libraries a model can be exported to.
extension ModelShape {
  /// The names of their formats, as `export --format` takes them.
  package var exports: [String] {
    if !hasExchangedParts { return [] }
    return (cell.torch.layer == nil ? [] : ["torch"])
      + (cell.keras.layer == nil || !task.predictsInputTokens || isBidirectional ? [] : ["keras"])
      + (cell.onnx.layer == nil ? [] : ["onnx"])
  }

  /// The same in words, with what would have to change for PyTorch, where its layer is another.
  package var exportsInWords: String {
    let names = ["torch": "PyTorch", "keras": "Keras", "onnx": "ONNX"]
    guard hasExchangedParts else {
      return "none: other libraries have no place for "
        + (normalizesGates ? "model.layer_norm" : "model.adaptive_softmax")
    }
    let formats = exports.compactMap { names[$0] }
    let list = formats.isEmpty ? "none" : formats.joined(separator: ", ")
    guard case .missing(let reason) = cell.torch else {
      return "\(list) (torch.nn.\(cell.torch.layer?.name ?? ""))"
    }
    return list
      + (reason.change.map { "; PyTorch's torch.nn.GRU needs \($0), from the first step on" }
        ?? "; PyTorch has no such layer")
  }

  private var hasExchangedParts: Bool { adaptiveSoftmax == nil && !normalizesGates }
}
