import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { Page } from "./page.tsx";

const place = document.getElementById("page");
if (place) render(<Page />, place);
