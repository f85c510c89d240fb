"""Draws Vega-Lite figures: a request on standard input, the pictures and the runtime on standard output, both JSON."""

import base64
import json
import sys

try:
    import vl_convert
except ImportError:
    sys.exit(69)

request = json.load(sys.stdin)
svg, png = {}, {}
for chart in request["charts"]:
    # All data are in the specification: nothing is to be fetched.
    svg[chart["id"]] = vl_convert.vegalite_to_svg(chart["specification"], allowed_base_urls=[])
    if request["png"]:
        picture = vl_convert.vegalite_to_png(chart["specification"], scale=2, allowed_base_urls=[])
        png[chart["id"]] = base64.b64encode(picture).decode()
runtime = vl_convert.javascript_bundle(snippet="window.vegaEmbed = vegaEmbed;")
json.dump({"runtime": runtime, "svg": svg, "png": png}, sys.stdout)
