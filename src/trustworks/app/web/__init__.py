"""What one worker serves over HTTP: the edge, the pages, and the services' routes behind them."""
