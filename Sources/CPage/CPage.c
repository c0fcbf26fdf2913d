#include "CPage.h"

#if !defined(__has_embed)
#error "the compiler does not know #embed; Swift 6.2's clang does"
#endif

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t index_html[] = {
#embed "index.html"
};
static const uint8_t style_css[] = {
#embed "style.css"
};
static const uint8_t script_js[] = {
#embed "script.js"
};
static const uint8_t data_js[] = {
#embed "data.js"
};
static const uint8_t charts_js[] = {
#embed "charts.js"
};
static const uint8_t panels_js[] = {
#embed "panels.js"
};

static const struct {
  const uint8_t *bytes;
  size_t length;
} files[] = {
    [PageFileIndex] = {index_html, sizeof index_html},
    [PageFileStyle] = {style_css, sizeof style_css},
    [PageFileScript] = {script_js, sizeof script_js},
    [PageFileData] = {data_js, sizeof data_js},
    [PageFileCharts] = {charts_js, sizeof charts_js},
    [PageFilePanels] = {panels_js, sizeof panels_js},
};

const uint8_t *page_bytes(PageFile file) { return files[file].bytes; }

size_t page_length(PageFile file) { return files[file].length; }
