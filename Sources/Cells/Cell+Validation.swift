import Kernels

/// What a description must fulfil. Stages, packing and steps go by it without a look at bounds: one
/// that contradicts itself would have them write beside their tensors.
extension Cell {
  /// Traps where the description contradicts itself.
  package func validate() {
    if let fault { preconditionFailure("cell \(name): \(fault)") }
  }

  /// The first contradiction in words; nil for none.
  package var fault: String? {
    partsFault ?? productFault ?? stageFault ?? fault(of: plainSteps, isNormalized: false)
      ?? fault(of: normalizedSteps, isNormalized: true)
  }

  /// Gates, state vectors, and layers of other libraries.
  private var partsFault: String? {
    if gates.isEmpty { return "no gates" }
    if Set(gates).count < gates.count { return "two gates of one name among \(gates)" }
    if stateVectors.isEmpty { return "no state vectors" }
    for names in [
      stateVectors.map(\.name), stateVectors.map(\.initialName), stateVectors.map(\.finalName),
    ] where Set(names).count < names.count {
      return "two state vectors of one name among \(names)"
    }
    if let biasedGate, !gates.indices.contains(biasedGate) {
      return "biased gate \(biasedGate) of \(gateCount)"
    }
    for layer in [torch, keras, onnx].compactMap(\.layer)
    where layer.rows.map(\.gate).sorted() != Array(gates.indices) {
      return "the rows of layer \(layer.name) are not every gate once"
    }
    return nil
  }

  private var productFault: String? {
    if let fault = fault(ofRows: products.map(\.gates), upTo: recurrentGateCount) {
      return "recurrent products: \(fault)"
    }
    if recurrentGateCount > gateCount {
      return "recurrent products of \(recurrentGateCount) gates, of which there are \(gateCount)"
    }
    let inner = products.filter { $0.source == .inner || $0.sum == .inner }
    if inner.count > 1 { return "several products with the inner buffer" }
    guard let product = inner.first else { return nil }
    if !hasInner { return "a product with the inner buffer, and no such buffer" }
    if product.source == .inner, product.sum == .inner {
      return "a product from the inner buffer to itself"
    }
    if product.sum == .inner, product.gates.count > 1 {
      return "the sums of \(product.gates.count) gates in the inner buffer, which holds one"
    }
    if product.source == .inner, product.addsToGradient {
      return "a product that adds to the inner buffer's gradient, of which nothing is there"
    }
    return nil
  }

  private var stageFault: String? {
    if stages.contains(where: \.blocks.isEmpty) { return "a stage without weights" }
    let blocks = stages.flatMap(\.blocks)
    if let fault = fault(ofRows: blocks.filter(\.hasInput).map(\.gates), upTo: gateCount) {
      return "input rows of stages: \(fault)"
    }
    let recurrent = blocks.filter { $0.source != nil }
    if let fault = fault(ofRows: recurrent.map(\.gates), upTo: recurrentGateCount) {
      return "recurrent rows of stages: \(fault)"
    }
    for block in blocks {
      if !block.hasInput, block.source == nil { return "weights of neither input nor state" }
      if block.hasInput, block.sum == .inner { return "input rows with sums in the inner buffer" }
      guard let source = block.source else { continue }
      let isThatOfProduct = products.contains {
        $0.gates.clamped(to: block.gates) == block.gates && $0.source == source
          && $0.sum == block.sum
      }
      if !isThatOfProduct { return "no product has what a stage says of gates \(block.gates)" }
    }
    return nil
  }

  /// Whether rows of gates are those from the first on, once each and in order.
  private func fault(ofRows rows: [Range<Int>], upTo count: Int) -> String? {
    var next = 0
    for row in rows {
      if row.isEmpty { return "no gates" }
      if row.lowerBound != next { return "gate \(row.lowerBound) where \(next) is due" }
      next = row.upperBound
    }
    return next == count ? nil : "\(next) of \(count) gates"
  }

  // MARK: - Steps

  private func fault(of program: StepProgram, isNormalized: Bool) -> String? {
    let words = isNormalized ? "normalised" : "plain"
    if let fault = fault(of: program.forward, isBackward: false, isNormalized: isNormalized) {
      return "\(words) step: \(fault)"
    }
    if let fault = fault(of: program.backward, isBackward: true, isNormalized: isNormalized) {
      return "\(words) step backward: \(fault)"
    }
    return nil
  }

  private func fault(
    of operations: [StepOperation], isBackward: Bool, isNormalized: Bool
  ) -> String? {
    var multiplied: [Int] = []
    var normalized: [Range<Int>] = []
    var hasEnded = false
    for operation in operations {
      switch operation {
      case .product(let index):
        guard products.indices.contains(index) else { return "no product \(index)" }
        // Gates' gradients depend on what it gives.
        if hasEnded, products[index].source == .inner { return "a product that comes too late" }
        multiplied.append(index)
      case .elementwise(let function):
        if let fault = fault(of: function) { return fault }
      case .normalize(let gates):
        if hasEnded { return "a normalisation that comes too late" }
        normalized.append(gates)
      case .endUnlessPassedOn:
        if !isBackward { return "an end, and nothing is passed on" }
        if hasEnded { return "two ends" }
        hasEnded = true
      }
    }
    if multiplied.sorted() != Array(products.indices) { return "not every product once" }
    normalized.sort { $0.lowerBound < $1.lowerBound }
    let fault = fault(ofRows: normalized, upTo: isNormalized ? gateCount : 0)
    return fault.map { "normalised gates: \($0)" }
  }

  private func fault(of function: GateFunction) -> String? {
    let operands = function.operands
    if operands.gates > gateCount { return "\(function) needs \(operands.gates) gates" }
    if operands.stateVectors > stateVectors.count {
      return "\(function) needs \(operands.stateVectors) state vectors"
    }
    return operands.usesInner && !hasInner ? "\(function) needs the inner buffer" : nil
  }
}
