import Foundation
import Records
import Testing

@testable import Dashboard

/// A program that runs scripts.
private enum Node {
  static let isThere = (try? run(["--version"], input: "").status) == 0

  static func run(
    _ arguments: [String], input: String
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["node"] + arguments
    let (source, sink) = (Pipe(), Pipe())
    process.standardInput = source
    process.standardOutput = sink
    process.standardError = sink
    try process.run()
    DispatchQueue.global().async {
      source.fileHandleForWriting.write(Data(input.utf8))
      try? source.fileHandleForWriting.close()
    }
    let data = sink.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}

/// Runs the page's scripts where there is a `node` to run them, on a document that only notes what
/// it is given.
@Suite(.enabled(if: Node.isThere, "no node here")) struct PageTests {
  private static let document = #"""
    class Node {
      constructor(name) {
        Object.assign(this, { name, children: [], attributes: {}, style: {}, dataset: {} });
        Object.assign(this, { own: "", value: "", checked: false, clientWidth: 600 });
        this.style.setProperty = () => {};
      }
      set textContent(text) { this.own = text; this.children = []; }
      get textContent() { return [this.own, ...this.children.map((child) =>
        typeof child === "string" ? child : child.textContent)].join(" "); }
      append(...children) { this.children.push(...children); }
      replaceChildren(...children) { this.own = ""; this.children = children; }
      setAttribute(key, value) { this.attributes[key] = String(value); }
      querySelector(selector) {
        for (const child of this.children) {
          if (typeof child === "string") continue;
          if (child.name === selector || "." + child.className === selector) return child;
          const found = child.querySelector(selector);
          if (found) return found;
        }
        return selector.startsWith("[") ? this : null;
      }
    }
    const nodes = {};
    const document = {
      getElementById: (id) => nodes[id] ??= new Node(id),
      createElement: (name) => new Node(name), createElementNS: (_, name) => new Node(name),
      documentElement: new Node("html"),
    };
    document.getElementById("x-axis").value = axis;
    const location = { search: "" };
    const localStorage = { getItem: () => null, setItem: () => {} };
    const matchMedia = () => ({ matches: false });
    const addEventListener = () => {};
    const requests = [];
    let round = 0;
    const fetch = async (path) => {
      requests.push(path);
      const answer = path === "api/runs" ? answers[round].runs : answers[round].run;
      return { ok: true, json: async () => JSON.parse(JSON.stringify(answer)) };
    };
    const setTimeout = () => {};
    """#

  /// The page at two looks, between which `append` is added to the metrics.
  private func page(
    _ folder: RunsFolder, appending more: String, axis: String = "step"
  ) throws -> (text: String, asked: String, detail: OrderedJSON, server: DashboardPages) {
    let server = try folder.server()
    func answers(_ mark: String?) throws -> OrderedJSON {
      var query = ["name": "first"]
      query["since"] = mark
      return [
        "runs": try server.json("/api/runs"), "run": try server.json("/api/run", query: query),
      ]
    }
    let first = try answers(nil)
    try folder.append(more)
    let second = try answers(first["run"]?["mark"]?.stringValue)
    let scripts = try ["charts", "panels", "data", "script"].map {
      try server.get("/\($0).js").text
    }
    let end = """
      (async () => {
        await new Promise(setImmediate);
        round = 1;
        await refresh();
        const text = Object.values(nodes).map((node) => node.textContent).join("\\n");
        console.log(JSON.stringify({ text, asked: requests, detail: state.details.get("first") }));
      })();
      """
    let data = "const answers = \(OrderedJSON.array([first, second]).line); const axis = '\(axis)';"
    let script = ([data, Self.document] + scripts + [end]).joined(separator: "\n")
    let (status, output) = try Node.run(["-"], input: script)
    try #require(status == 0, "\(output)")
    let result = try OrderedJSON(parsing: output)
    return (
      try #require(result["text"]?.stringValue), result["asked"]?.line ?? "",
      try #require(result["detail"]), server
    )
  }

  @Test(arguments: ["step", "tokens", "seconds"])
  func additionsMakeTheWhole(axis: String) throws {
    let folder = try RunsFolder()
    let more = [
      #"{"kind":"train","step":30,"tokens":300,"loss":2,"tokens_per_second":60,"new":1}"#,
      #"{"kind":"valid","step":30,"loss":2.5,"bits_per_byte":3}"#,
      #"{"kind":"event","step":30,"event":"resume"}"#,
      #"{"kind":"sample","step":30,"text":"later"}"#, "damaged",
    ]
    let (text, asked, detail, server) = try page(
      folder, appending: more.map { $0 + "\n" }.joined(), axis: axis)
    #expect(asked.contains("&since="), "\(asked)")
    #expect(text.contains("1 damaged lines"), "\(text)")
    #expect(text.contains("1 runs, 0 running"), "\(text)")
    #expect(text.contains("2.5000"), "the best validation is missing")
    let whole = try server.json("/api/run", query: ["name": "first"])
    for name in ["train", "valid", "events", "samples", "config", "checkpoints"] {
      #expect(
        detail[name]?.line == whole[name]?.line.replacingOccurrences(of: ".0", with: ""), "\(name)")
    }
  }

  @Test func unitsAreThoseOfTheTask() throws {
    let folder = try RunsFolder()
    let (before, _, _, _) = try page(folder, appending: "")
    #expect(before.contains("mean of all targets"))
    #expect(before.contains("Targets per second"))
    try folder.write(
      "first/heartbeat.json",
      #"{"exit_status":0,"task":{"name":"forecasting","unit":"sequences","#
        + #""loss_unit":"mean squared error","metrics":["mse"]}}"#)
    let (after, _, _, _) = try page(folder, appending: "")
    #expect(after.contains("mean squared error, training"))
    #expect(after.contains("Sequences per second"))
    #expect(after.contains("sequences per second, all ranks"))
    #expect(!after.lowercased().contains("tokens"), "\(after)")
  }
}
